//go:build linux

package sys

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestMemory maps two pages of a file that has one: the second page faults.
func TestMemory(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "page"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := PageSize()
	if err := f.Truncate(int64(page)); err != nil {
		t.Fatal(err)
	}
	m, err := MapMemory(int(f.Fd()), 2*page, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Unmap()
	if err := m.Write(page-4, []byte("text")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if err := m.Read(page-4, b); err != nil || string(b) != "text" || m.Size() != 2*page {
		t.Errorf("read %q of %d bytes, %v", b, m.Size(), err)
	}
	if err := m.Read(page-3, b); !errors.Is(err, EFAULT) {
		t.Errorf("read where no page is: %v", err)
	}
	if err := m.Write(page, b); !errors.Is(err, EFAULT) {
		t.Errorf("write where no page is: %v", err)
	}
	if _, err := MapMemory(int(f.Fd()), page, m.Address()); !errors.Is(err, EEXIST) {
		t.Errorf("a second time at that address: %v", err)
	}
}
