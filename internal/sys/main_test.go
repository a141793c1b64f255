package sys

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// testMap makes an array of one 8-byte value, or skips without the privileges for it.
func testMap(t testing.TB) *FD {
	t.Helper()
	f, err := CreateMap(&MapCreate{Type: 2, KeySize: 4, ValueSize: 8, MaxEntries: 1, Name: Name("bpfhost_sys")})
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNotSupported) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
