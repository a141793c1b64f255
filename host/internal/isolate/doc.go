// Package isolate runs a guest of package sandbox in a process that may do nothing.
//
// The parent holds everything: the functions that the guest calls run there, as they do for a guest
// in process. The child only runs WebAssembly. Between them go short messages over a pair of
// sockets, each a call, an answer or an end, and the guest's memory lies in memory that both map:
// what a host function reads is copied before it is looked at, what it writes goes there directly.
//
// The child is this program, started again (see Main), with what a Guest's Isolation says: in
// namespaces with nothing in them, as nobody, without capabilities or a way to get some, with an
// empty root, under limits, and behind a filter that lets it compute and exchange messages. None of
// the module's code runs before all of that is in place. What the child sends is judged like what a
// guest passes: a child that was taken over can do what its plugin may do, and end.
//
// The parent can always end it. A deadline ends a call from within, as in process; a child that
// does not answer soon after is killed, and so is one that compiles when its load is cancelled.
package isolate

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Errors of Load besides those of sandbox.Engine.Load.
var (
	// ErrNotSupported says that this system cannot isolate.
	ErrNotSupported = errors.New("this system cannot run a plugin in an isolated process")

	// ErrNoMain says that the program never called Main.
	ErrNoMain = errors.New("plugins cannot be isolated: the program does not call host.ChildMain first in its main")
)

// Options describe one guest. The functions of its Imports are not called; Calls are.
type Options struct {
	sandbox.Options

	// Calls are the functions of Imports, in their order. They are called as Import.Fn is.
	Calls []func(g *Guest, stack []uint64)
}

// Launcher starts guests.
type Launcher struct {
	// Code keeps compiled code; nil keeps none. It must be for isolated guests only: what is in it
	// was made by them.
	Code *sandbox.CodeStore

	way    atomic.Int32 // the first of the ways that worked
	memory uint64       // of a process besides the guest's; 0 is childMemory
}

// Isolation says what keeps a guest in its process.
type Isolation struct {
	PID int // of the process

	// Without are the measures that this system does not allow; empty when there are all.
	Without []string
}

// String returns one line, without the process.
func (i Isolation) String() string {
	if len(i.Without) == 0 {
		return "isolated process"
	}
	return "isolated process, without " + strings.Join(i.Without, ", ")
}

// Memory returns how much memory the process uses, shared memory included, in bytes; 0 if that is not
// known (proc_pid_statm(5)).
func (i Isolation) Memory() uint64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", i.PID))
	var size, resident uint64
	if _, scan := fmt.Sscan(string(b), &size, &resident); err != nil || scan != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}

// Names of the measures that a system may not allow.
const (
	withoutNamespaces = "namespaces"
	withoutUser       = "its own user"
	withoutRoot       = "an empty root"
	withoutThreads    = "a limit of threads"
)

// Available says that guests can be isolated, where the system allows it: on Linux, for the machines
// that they are compiled for. On others they are interpreted, and never are code of the processor.
const Available = runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64")

// Privileged reports whether this process may do what others may not.
func Privileged() bool { return os.Geteuid() == 0 || sys.Privileged() }

// How a child is told what it is.
const (
	childName = "bpfhost-plugin"   // its first argument
	childMark = "BPFHOST_ISOLATED" // the variable that has its setup
)

var mainCalled atomic.Bool

// Main has to be the first thing that a program does which isolates guests. In a child it runs the
// guest and does not return; otherwise it only notes that it was called.
func Main() {
	mainCalled.Store(true)
	text, marked := os.LookupEnv(childMark)
	if !marked || len(os.Args) == 0 || os.Args[0] != childName {
		return
	}
	os.Exit(child(text))
}
