package kernel

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// SecurityModules returns the active security modules in the order in which they are asked, "bpf"
// among them where programs of LSM hooks are called (/sys/kernel/security/lsm). Where securityfs is
// not mounted, they are read nevertheless.
func (k *Kernel) SecurityModules() ([]string, error) {
	b, err := sys.Securityfs.ReadFile("lsm")
	if err != nil {
		return nil, fmt.Errorf("list security modules: %w", err)
	}
	return strings.FieldsFunc(string(b), func(r rune) bool { return r == ',' || r == '\n' }), nil
}
