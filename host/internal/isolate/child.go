//go:build linux

package isolate

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Bounds of a child.
const (
	childMemory = 1 << 30  // that it may use besides the guest's memory, for compiling most of all
	childFile   = 64 << 20 // of a file that it writes, and all in its root
	childFiles  = 32       // descriptors
)

// child is a child's main.
func child(text string) int {
	var s setup
	err := json.Unmarshal([]byte(text), &s)
	if err == nil && s.Stage == 1 {
		err = s.confine()
	} else if err == nil {
		err = s.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, setupFailed+err.Error())
		return 1
	}
	return 0
}

// confine gives up everything and executes this program again, so that no thread of it has anything
// left. It returns only if that fails.
func (s setup) confine() error {
	runtime.LockOSThread()
	own, err := sys.OwnProgram()
	if err != nil {
		return err
	}
	if err := sys.CloseOnExec(fdFirstOther); err != nil {
		return err
	}
	limits := sys.Limits{Memory: s.Memory, Shared: s.Shared, File: childFile, Files: childFiles, Processes: s.Threads}
	if err := sys.SetLimits(limits); err != nil {
		return err
	}
	user := 0
	if s.Become {
		user = nobody
	}
	s.leaveFiles(user)
	sys.BoundThread()
	if s.Become {
		if err := sys.BecomeThread(user, user); err != nil {
			return err
		}
	}
	if err := sys.DropPrivilegesThread(); err != nil {
		return err
	}
	s.Stage = 2
	next, err := json.Marshal(s)
	if err != nil {
		return err
	}
	// The runtime need not look for limits of its processors, in files that it keeps open.
	env := []string{childMark + "=" + string(next), "GOMAXPROCS=2", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}
	return sys.Execute(own, []string{childName}, env)
}

// leaveFiles changes to files of its own. A system that allows namespaces may still not allow that:
// then there are none to write.
func (s *setup) leaveFiles(user int) {
	if s.Mount && sys.MountPrivate(childFile, user, user) == nil {
		s.Dir = sys.PrivateDir
	}
	s.Root = s.Root && s.Dir != "" && sys.EnterPrivate() == nil
	if s.Root {
		s.Dir = "/"
	}
}

// run runs the guest. What the program had when it was executed, it keeps: nothing.
func (s setup) run() error {
	if err := sys.DieWith(); err != nil {
		return err
	}
	if err := sys.FilterCalls(s.Dir != "", true); err != nil {
		return err
	}
	messages, err := sys.OpenMessages(fdMessages)
	if err != nil {
		return err
	}
	r := &runner{setup: s, messages: messages, buf: make([]byte, maxMessage)}
	return r.run()
}
