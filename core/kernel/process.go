package kernel

import (
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// process is what the kernel shows of this process, by what may keep it from using bpf(2).
type process struct {
	seccomp   bool // a filter of system calls is installed
	namespace bool // it is in a user namespace other than the first
}

// initialUsers is how the kernel names its first user namespace (PROC_USER_INIT_INO of
// include/linux/proc_ns.h).
const initialUsers = "user:[4026531837]"

// thisProcess reads what the kernel shows of the calling thread. What it does not show is not there.
func thisProcess() process {
	var p process
	status, _ := os.ReadFile("/proc/thread-self/status")
	p.seccomp = statusField(string(status), "Seccomp") == "2"
	ns, err := os.Readlink("/proc/thread-self/ns/user")
	p.namespace = err == nil && ns != initialUsers
	return p
}

// statusField returns the value of a line "Name:\tvalue".
func statusField(status, name string) string {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// limit returns a limit of this process by its name in /proc/self/limits, "Max open files"; ok is false
// where there is none.
func limit(name string) (soft uint64, ok bool) {
	b, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if rest, found := strings.CutPrefix(line, name); found {
			if f := strings.Fields(rest); len(f) > 0 {
				soft, err := strconv.ParseUint(f[0], 10, 64)
				return soft, err == nil
			}
		}
	}
	return 0, false
}

// openFiles counts the descriptors of this process.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// memoryLimit returns the lowest limit of memory that a control group of this process, or one above it,
// has, how much of it is used, and its path; ok is false where none limits it.
func memoryLimit() (most, used uint64, group string, ok bool) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, 0, "", false
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		root, limitFile, useFile := "/sys/fs/cgroup", "memory.max", "memory.current"
		switch {
		case strings.Contains(","+f[1]+",", ",memory,"): // version 1
			root, limitFile, useFile = "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
		case f[1] != "":
			continue
		}
		for dir := f[2]; ; dir = path.Dir(dir) {
			at := path.Join(root, dir)
			if n, err := readNumber(path.Join(at, limitFile)); err == nil && n < 1<<60 && (!ok || n < most) {
				most, group, ok = n, at, true
				used, _ = readNumber(path.Join(at, useFile))
			}
			if dir == "/" || dir == "." {
				break
			}
		}
	}
	return most, used, group, ok
}

// readNumber reads a file with one number, as those of /proc/sys are.
func readNumber(file string) (uint64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

// lockdown returns what the kernel is locked down to, "integrity" or "confidentiality"; empty is neither,
// or nothing is known.
func lockdown() string {
	b, err := sys.Securityfs.ReadFile("lockdown")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), "[")
	mode, _, _ := strings.Cut(rest, "]")
	if mode == "none" {
		return ""
	}
	return mode
}
