//go:build linux

package isolate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/bpfhost/bpfhost/internal/oneline"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// nobody is the user and group that a child becomes where its parent may choose.
const nobody = 65534

// namespaces are those that a child has of its own: it sees no file, process, network or message.
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS

// way is one way to start a child.
type way struct {
	flags   uintptr // of clone(2)
	mapped  int     // user that it is outside of its user namespace, if it has one
	become  bool    // in its first stage the child itself becomes nobody
	without []string
}

// ways are what is tried, in this order. The first needs a system that lets its parent make a user
// namespace, the last needs nothing.
func ways() []way {
	const own = namespaces | syscall.CLONE_NEWUSER
	var list []way
	user := os.Geteuid()
	chooses := user == 0 && sys.MissingCapabilities(sys.CapSetUID, sys.CapSetGID) == "" && everybodys()
	if chooses {
		list = append(list, way{flags: own, mapped: nobody}, way{flags: namespaces, become: true},
			way{become: true, without: []string{withoutNamespaces}})
	}
	var without []string
	if user == 0 {
		without = []string{withoutUser}
	}
	return append(list, way{flags: own, mapped: user, without: without},
		way{without: []string{withoutUser, withoutNamespaces}})
}

// process is a child and what ends with it.
type process struct {
	proc   *os.Process
	stderr *os.File // what its runtime says when it dies
	done   chan struct{}
	state  *os.ProcessState // once done

	closing sync.Once
}

// The descriptors of a child, after its standard streams.
const (
	fdMessages = 3 + iota
	fdMemory
	fdModule
	fdCode
	fdFirstOther
)

// start starts a child with files for its descriptors from fdMessages on.
func (l *Launcher) start(s setup, files []*os.File) (*process, Isolation, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, Isolation{}, err
	}
	defer null.Close()
	stderr, err := sys.MemoryFile("stderr", nil)
	if err != nil {
		return nil, Isolation{}, err
	}
	all := append([]*os.File{null, null, stderr}, files...)
	var failed error
	for i, w := range ways() {
		if i < int(l.way.Load()) {
			continue
		}
		p, without, err := w.start(s, all)
		if err == nil {
			l.way.Store(int32(i))
			p.stderr = stderr
			return p, Isolation{PID: p.proc.Pid, Without: without}, nil
		}
		failed = oneline.Join(failed, err)
	}
	stderr.Close()
	return nil, Isolation{}, fmt.Errorf("%w: %w", ErrNotSupported, failed)
}

// start starts a child in one way.
func (w way) start(s setup, files []*os.File) (*process, []string, error) {
	s.Stage, s.Become = 1, w.become
	without := slices.Clone(w.without)
	s.Mount = w.flags&syscall.CLONE_NEWNS != 0
	s.Root = s.Mount && !linked()
	if threadsCounted() && w.flags&syscall.CLONE_NEWUSER != 0 {
		s.Threads = maxThreads
	} else {
		without = append(without, withoutThreads)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, nil, err
	}
	attr := &os.ProcAttr{Dir: "/", Env: []string{childMark + "=" + string(text)}, Files: files, Sys: w.attributes()}
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The child is killed when the thread ends that started it, so that is kept for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var err error
		p.proc, err = os.StartProcess("/proc/self/exe", []string{childName}, attr)
		started <- err
		if err != nil {
			return
		}
		defer close(p.done)
		p.state, _ = p.proc.Wait()
	}()
	if err := <-started; err != nil {
		return nil, nil, err
	}
	return p, without, nil
}

// maxThreads is how many threads a child may have.
const maxThreads = 64

// attributes are what the kernel does when it makes the child.
func (w way) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: w.flags, Pdeathsig: syscall.SIGKILL}
	if w.flags&syscall.CLONE_NEWUSER == 0 {
		return a
	}
	// In its namespace the child begins as root, which is somebody else outside.
	group, chosen := os.Getegid(), w.mapped != os.Geteuid()
	if chosen {
		group = nobody
	}
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: w.mapped, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: group, Size: 1}}
	a.GidMappingsEnableSetgroups = chosen
	a.Credential = &syscall.Credential{NoSetGroups: !chosen}
	return a
}

// kill ends the child. It may be called at any time, and again.
func (p *process) kill() { _ = p.proc.Kill() }

// close ends the child, waits for it, and closes what belongs to it. Closing again does nothing.
func (p *process) close() {
	p.closing.Do(func() {
		p.kill()
		<-p.done
		p.stderr.Close()
	})
}

// cause says why a child ended by itself, which it has or does soon.
func (p *process) cause() string {
	<-p.done
	if p.state == nil {
		return "its process is gone"
	}
	status, ok := p.state.Sys().(syscall.WaitStatus)
	switch said := p.said(); {
	case ok && status.Signaled() && status.Signal() == syscall.SIGSYS:
		return "its process made a system call that it may not make"
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return "its process was killed, perhaps because memory ran out"
	case ok && status.Signaled():
		return "its process died of " + signalName(status.Signal())
	case said != "":
		return "its process failed: " + said
	}
	return "its process ended by itself: " + p.state.String()
}

// signalName is how a signal is called.
func signalName(s syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGSEGV: "SIGSEGV", syscall.SIGBUS: "SIGBUS", syscall.SIGILL: "SIGILL", syscall.SIGFPE: "SIGFPE",
		syscall.SIGABRT: "SIGABRT", syscall.SIGTRAP: "SIGTRAP", syscall.SIGTERM: "SIGTERM",
	}
	if name := names[s]; name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}

// said is the first line of what the child's runtime said, in a form for messages.
func (p *process) said() string {
	b := make([]byte, 4<<10)
	n, _ := p.stderr.ReadAt(b, 0)
	for line := range strings.Lines(string(b[:n])) {
		if line = strings.TrimSpace(line); line != "" {
			return quote.Plain(line, maxReason)
		}
	}
	return ""
}

// setupError is the error of a child that could not become what it should be, nil of another.
func (p *process) setupError() error {
	if said := p.said(); strings.HasPrefix(said, setupFailed) {
		return errors.New(strings.TrimPrefix(said, setupFailed))
	}
	return nil
}

// setupFailed begins what a child says that cannot become what it should be.
const setupFailed = "isolate: "
