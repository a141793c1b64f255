package link

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// perfLink is BPF_LINK_TYPE_PERF_EVENT: kprobes and tracepoints (Linux 5.15).
type perfLink struct {
	kernelLink
	event *sys.FD
}

// Close detaches the program, unless the link is pinned.
func (l *perfLink) Close() error {
	err := l.kernelLink.Close()
	l.event.Close()
	return err
}

// perfEvent is a program that was attached to a perf event without a link (PERF_EVENT_IOC_SET_BPF).
type perfEvent struct {
	unlinked
	event *sys.FD
}

// Close detaches the program.
func (e *perfEvent) Close() error {
	_ = sys.DisableEvent(e.event) // it goes away below in any case
	e.event.Close()
	return nil
}

// Detach does what Close does.
func (e *perfEvent) Detach() error { return e.Close() }

// attachEvent opens a perf event and lets the program run at it.
func (r request) attachEvent(prog int, probe sys.Probe, cookie uint64) (Link, error) {
	event, err := sys.OpenProbe(probe)
	if err != nil {
		return nil, fmt.Errorf("open perf event: %w", err)
	}
	l, err := r.linkEvent(event, prog, cookie)
	if err != nil {
		event.Close()
		return nil, err
	}
	if err := sys.EnableEvent(event); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// linkEvent attaches a program to a perf event, by a link where the kernel has them.
func (r request) linkEvent(event *sys.FD, prog int, cookie uint64) (Link, error) {
	raw, err := event.Acquire()
	if err != nil {
		return nil, err
	}
	defer event.Release()
	fd, err := sys.CreatePerfLink(&sys.LinkCreatePerf{
		LinkCreate: sys.LinkCreate{ProgFD: uint32(prog), Target: uint32(raw), AttachType: uint32(spec.AttachTypePerfEvent)},
		Cookie:     cookie,
	})
	if err == nil {
		return &perfLink{r.linked(fd), event}, nil
	}
	k, since := kernel.New(kernel.Options{}), spec.AttachTypePerfEvent.Since()
	if !k.Before(since) {
		return nil, err
	}
	if cookie != 0 {
		return nil, k.TooOld([]spec.Requirement{{What: "cookies of perf events", Since: since}}, err)
	}
	if err := sys.SetEventProg(event, prog); err != nil {
		return nil, err
	}
	return &perfEvent{unlinked{r.kind, r.target, "perf events before Linux 5.15"}, event}, nil
}
