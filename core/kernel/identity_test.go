package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	k := New(Options{TypesDir: dir})
	defer k.Close()
	id, err := k.Identity()
	if errors.Is(err, ErrNotSupported) || errors.Is(err, ErrNotMounted) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if id.BTF != "" {
		t.Errorf("types %s of a kernel without", id.BTF)
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil && id.Release != strings.TrimSpace(string(b)) {
		t.Errorf("release %q, not %q", id.Release, b)
	}
	types := []byte("types of a kernel")
	if err := os.WriteFile(filepath.Join(dir, "vmlinux"), types, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(types)
	if id, err = k.Identity(); err != nil || id.BTF != hex.EncodeToString(sum[:]) {
		t.Errorf("types %s, %v", id.BTF, err)
	}
	if b, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil && strings.Join(id.SecurityModules, ",") != strings.TrimSpace(string(b)) {
		t.Errorf("security modules %q, not %q", id.SecurityModules, b)
	}
}
