//go:build linux

package isolate

import (
	"debug/elf"
	"fmt"
	"os"
	"sync"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// linked reports whether this program needs a file system to be executed, because it is linked
// dynamically.
var linked = sync.OnceValue(func() bool {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return true
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
})

// everybodys reports whether nobody may execute this program.
var everybodys = sync.OnceValue(func() bool {
	info, err := os.Stat("/proc/self/exe")
	return err == nil && info.Mode().Perm()&0o001 != 0
})

// threadsCounted reports whether this kernel counts the threads of a user in a user namespace by
// themselves (5.14). Before, they count together with all of the user's others.
var threadsCounted = sync.OnceValue(func() bool {
	release, _, err := sys.Uname()
	var major, minor int
	if err == nil {
		_, err = fmt.Sscanf(release, "%d.%d", &major, &minor)
	}
	return err == nil && (major > 5 || major == 5 && minor >= 14)
})
