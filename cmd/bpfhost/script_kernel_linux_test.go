package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// passAll is an XDP program that lets everything pass.
var passAll = &spec.Collection{
	License: "GPL",
	Programs: []*spec.Program{{
		Name:  "pass_all",
		Type:  spec.ProgramXDP,
		Insns: spec.NewInsns(spec.Insn{Insn: asm.Mov64Imm(asm.R0, 2)}, spec.Insn{Insn: asm.Exit()}),
	}},
}

// kernelUsable says why this process may not load and attach; nil if it may.
var kernelUsable = sync.OnceValue(func() error {
	lab, err := testnet.New()
	if err != nil {
		return err
	}
	defer lab.Close()
	c, err := loader.Load(passAll, loader.Options{})
	if err != nil {
		return err
	}
	return c.Close()
})

// The kinds of kernel objects as they stand in /proc/PID/fdinfo, with the bpf(2) command that finds
// the next id of each (enum bpf_cmd).
var nextID = map[string]uintptr{"prog_id": 11, "map_id": 12, "btf_id": 23, "link_id": 31}

// kernelID names an object of the kernel.
type kernelID struct {
	kind string
	id   uint32
}

// heldKey is the key of what remember found, a *[]kernelID.
type heldKey struct{}

// remember keeps the ids of what the script's background processes hold in the kernel.
func remember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: remember")
	}
	held := ts.Value(heldKey{}).(*[]kernelID)
	kinds := map[string]bool{}
	for _, cmd := range ts.BackgroundCmds() {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", cmd.Process.Pid))
		ts.Check(err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				continue // closed in between
			}
			for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
				k, v, _ := strings.Cut(lines.Text(), ":")
				if nextID[k] == 0 {
					continue
				}
				n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32)
				ts.Check(err)
				*held = append(*held, kernelID{k, uint32(n)})
				kinds[k] = true
			}
		}
	}
	for _, k := range []string{"prog_id", "map_id", "link_id"} {
		if !kinds[k] {
			ts.Fatalf("the background processes hold no %s; they hold %v", k, *held)
		}
	}
	for _, id := range *held {
		if ok, err := exists(id); err != nil || !ok {
			ts.Fatalf("%v does not exist (%v)", id, err)
		}
	}
}

// gone checks that nothing of what remember found exists any more. The kernel frees some of it a
// moment after the last descriptor.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	held := *ts.Value(heldKey{}).(*[]kernelID)
	if neg || len(args) != 0 || len(held) == 0 {
		ts.Fatalf("usage: gone, after remember")
	}
	for _, id := range held {
		poll(ts, fmt.Sprintf("%v to go away", id), func() bool {
			ok, err := exists(id)
			ts.Check(err)
			return !ok
		})
	}
}

// exists asks the kernel for the first object above the one below.
func exists(k kernelID) (bool, error) {
	number := uintptr(321) // amd64
	if runtime.GOARCH == "arm64" {
		number = 280
	}
	attr := struct{ start, next, flags uint32 }{start: k.id - 1}
	_, _, errno := syscall.Syscall(number, nextID[k.kind], uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno == syscall.ENOENT {
		return false, nil
	}
	if errno != 0 {
		return false, errno
	}
	return attr.next == k.id, nil
}

// free checks that an XDP program can be attached to the near interface of the script's network.
func free(ts *testscript.TestScript, neg bool, args []string) {
	lab := *ts.Value(labKey{}).(**testnet.Net)
	if neg || len(args) != 0 || lab == nil {
		ts.Fatalf("usage: free, after testnet")
	}
	c, err := loader.Load(passAll, loader.Options{})
	ts.Check(err)
	defer c.Close()
	poll(ts, "the interface to be free", func() bool {
		l, err := link.XDP(c.Program("pass_all"), link.XDPOptions{Interface: lab.Iface(), Netns: lab.Path()})
		if err == nil {
			ts.Check(l.Close())
		}
		return err == nil
	})
}

// capabilities are the numbers of those that scripts name (linux/capability.h).
var capabilities = map[string]uintptr{"net_admin": 12, "sys_resource": 24, "perfmon": 38, "bpf": 39}

// withCapabilities is a process that takes all capabilities but those of its first argument out of its
// bounding set, and becomes the program that the others name. It is root still.
func withCapabilities() {
	runtime.LockOSThread() // of which the bounding set is
	err := func() error {
		if len(os.Args) < 3 {
			return errors.New("usage: withcaps NAME,… PROGRAM …")
		}
		kept := map[uintptr]bool{}
		for name := range strings.SplitSeq(os.Args[1], ",") {
			n, ok := capabilities[name]
			if !ok {
				return fmt.Errorf("unknown capability %q", name)
			}
			kept[n] = true
		}
		const capbsetDrop = 24 // linux/prctl.h
		for n := uintptr(0); ; n++ {
			if kept[n] {
				continue
			}
			_, _, errno := syscall.Syscall(syscall.SYS_PRCTL, capbsetDrop, n, 0)
			if errno == syscall.EINVAL { // beyond the last that the kernel has
				break
			}
			if errno != 0 {
				return fmt.Errorf("drop capability %d: %w", n, errno)
			}
		}
		program, err := exec.LookPath(os.Args[2])
		if err != nil {
			return err
		}
		return syscall.Exec(program, os.Args[2:], os.Environ())
	}()
	fmt.Fprintln(os.Stderr, "withcaps:", err)
	os.Exit(99)
}

// withPins is a process with a bpf file system that only it sees, which becomes the program that its
// arguments name. What is pinned there goes away with the program.
func withPins() {
	runtime.LockOSThread() // which is what leaves the namespace, and becomes the program
	err := func() error {
		if len(os.Args) < 2 {
			return errors.New("usage: withpins PROGRAM …")
		}
		if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
			return fmt.Errorf("leave the mount namespace: %w", err)
		}
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("keep mounts private: %w", err)
		}
		if err := syscall.Mount("bpf", "/sys/fs/bpf", "bpf", 0, ""); err != nil {
			return fmt.Errorf("mount a bpf file system: %w", err)
		}
		program, err := exec.LookPath(os.Args[1])
		if err != nil {
			return err
		}
		return syscall.Exec(program, os.Args[1:], os.Environ())
	}()
	fmt.Fprintln(os.Stderr, "withpins:", err)
	os.Exit(99)
}

// asNobody is a process that gives up root before it is bpfhost.
func asNobody() {
	const nobody = 65534
	os.Setenv("XDG_CACHE_HOME", os.Getenv("NOBODY_CACHE"))
	if os.Getenv("GOCOVERDIR") != "" { // with -cover; where it is, nobody may not write
		os.Setenv("GOCOVERDIR", os.Getenv("NOBODY_CACHE"))
	}
	if os.Geteuid() == 0 {
		for _, err := range []error{
			syscall.Setgroups(nil),
			syscall.Setresgid(nobody, nobody, nobody),
			syscall.Setresuid(nobody, nobody, nobody),
		} {
			if err != nil {
				fmt.Fprintln(os.Stderr, "nobody:", err)
				os.Exit(99)
			}
		}
	}
	os.Args = os.Args[1:] // "nobody bpfhost …"
	main()
}
