package kernel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	got, err := parseConfig(strings.NewReader("#\n# CONFIG_X is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_NAME=\"a=b\"\nOTHER=1\n"))
	want := map[string]string{"CONFIG_BPF": "y", "CONFIG_HZ": "250", "CONFIG_NAME": `"a=b"`}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReadConfig(t *testing.T) {
	dir := t.TempDir()
	none, plain, packed := filepath.Join(dir, "none"), filepath.Join(dir, "plain"), filepath.Join(dir, "packed.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte("CONFIG_A=y\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), os.WriteFile(packed, b.Bytes(), 0o600), os.WriteFile(plain, []byte("CONFIG_B=m\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for want, files := range map[string][]string{"CONFIG_A": {none, packed, plain}, "CONFIG_B": {none, plain}} {
		if c, err := readConfigOf(files...); err != nil || len(c) != 1 || c[want] == "" {
			t.Errorf("%s: %v, %v", want, c, err)
		}
	}
	if _, err := readConfigOf(none); !errors.Is(err, ErrNotSupported) {
		t.Errorf("no file: %v", err)
	}
	// One that cannot be read says nothing of the kernel, and no other one stands in for it.
	if _, err := readConfigOf(dir, plain); err == nil || errors.Is(err, ErrNotSupported) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}
