package sys

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// The hooks of Trace and Inject: the only package state, set by tests only.
var (
	tracer atomic.Pointer[fdTrace]
	faults atomic.Pointer[func() Errno]
)

// Inject lets calls fail: ask is called before each bpf(2) call but those that never sleep, before
// each call about files, directories and mappings of memory, and what it returns other than 0 is the
// answer in the kernel's place. nil ends that. It is for tests: nothing else may call it.
func Inject(ask func() Errno) {
	if ask == nil {
		faults.Store(nil)
		return
	}
	faults.Store(&ask)
}

// injected is the answer that a test wants a call to get; 0 is none.
func injected() Errno {
	if ask := faults.Load(); ask != nil {
		return (*ask)()
	}
	return 0
}

// fdTrace knows where each open FD came from.
type fdTrace struct {
	mu   sync.Mutex
	open map[*FD]string
}

// Trace starts to record where descriptors are made. The returned function lists those that are
// still open, one text each. It is for TestMain: nothing else may call it.
func Trace() (open func() []string) {
	t := &fdTrace{open: make(map[*FD]string)}
	tracer.Store(t)
	return t.list
}

func (t *fdTrace) add(f *FD) {
	pcs := make([]uintptr, 12)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var b strings.Builder
	b.WriteString("fd " + strconv.Itoa(f.raw))
	for {
		fr, more := frames.Next()
		b.WriteString("\n\t" + fr.Function + ":" + strconv.Itoa(fr.Line))
		if !more {
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[f] = b.String()
}

func (t *fdTrace) remove(f *FD) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, f)
}

func (t *fdTrace) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	for _, s := range t.open {
		all = append(all, s)
	}
	return all
}
