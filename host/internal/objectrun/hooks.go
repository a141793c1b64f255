package objectrun

import (
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// doc is what the plugin says of itself.
const doc = "built in: attaches the programs of an object by their sections and prints its ring buffers"

// Bounds of the buffer of a ring, in bytes. It holds the largest record that fits the ring, up to a
// bound.
const (
	minBuffer = 64 << 10
	maxBuffer = 1 << 20
)

// Code returns the plugin's code. It may be started more than once, but one at a time runs.
func (p *Plugin) Code() guest.Code {
	var end, width uint32
	for _, r := range p.rings {
		r.buffer, r.size = end, min(max(r.bytes, minBuffer), maxBuffer)&^7
		end += r.size
		width = max(width, uint32(utf8.RuneCountInString(quote.Text(r.name))))
	}
	several := len(p.rings) > 1
	for _, r := range p.rings {
		r.print = newPrinter(r, p.options.JSON, several, int(max(width, 3)))
	}
	s := &session{Plugin: p, memory: make([]byte, end), sources: map[uint32]*stream{}}
	return guest.Go{Memory: s.memory, EveryHook: true, Hooks: map[string]guest.GoHook{
		"bpfhost_describe": s.describe,
		"bpfhost_plan":     s.plan,
		"bpfhost_started":  s.started,
		"bpfhost_events":   s.events,
	}}
}

// session is the code that runs.
type session struct {
	*Plugin
	memory  []byte
	sources map[uint32]*stream // by handle
	out     []byte
}

// stream is a ring buffer that is open.
type stream struct {
	*ring
	headed bool
}

// describe says what the plugin is and requests what the object does.
func (s *session) describe(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
	self := f.Self()
	if self < 0 {
		return self, nil
	}
	if rc := f.SetB(uint32(self), abi.PropPluginDoc, []byte(doc)); rc < 0 {
		return rc, nil
	}
	for _, r := range s.requests {
		if rc := f.Add(uint32(self), abi.KindRequest, []byte(r)); rc < 0 {
			return rc, nil
		}
	}
	return 0, nil
}

// plan makes the edits and attachments.
func (s *session) plan(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
	obj := f.ObjectOpen([]byte(s.name))
	if obj < 0 {
		return obj, nil
	}
	o := uint32(obj)
	for _, step := range []func(guest.Functions, uint32) int32{s.setVariables, s.setSizes, s.setSkipped, s.attachAll, s.remark} {
		if rc := step(f, o); rc < 0 {
			return rc, nil
		}
	}
	return 0, nil
}

func (s *session) setVariables(f guest.Functions, obj uint32) int32 {
	for _, w := range s.writes {
		rc := int32(0)
		if w.Path != "" {
			rc = f.VarSetPath(obj, []byte(w.Path), w.Number)
		} else if rc = f.Find(obj, abi.KindVar, []byte(w.Var)); rc >= 0 {
			rc = f.VarWrite(uint32(rc), w.Offset, w.Bytes)
		}
		if rc < 0 {
			return rc
		}
	}
	return 0
}

func (s *session) setSizes(f guest.Functions, obj uint32) int32 {
	for _, z := range s.sizes {
		m := f.Find(obj, abi.KindMap, []byte(z.mapName))
		if m < 0 {
			return m
		}
		if rc := f.SetU(uint32(m), abi.PropMapMaxEntries, uint64(z.entries)); rc < 0 {
			return rc
		}
	}
	return 0
}

// setSkipped makes programs that are left out optional, so that they are not loaded either.
func (s *session) setSkipped(f guest.Functions, obj uint32) int32 {
	for _, name := range s.skip {
		prog := f.Find(obj, abi.KindProgram, []byte(name))
		if prog < 0 {
			return prog
		}
		if rc := f.SetU(uint32(prog), abi.PropProgramOptional, 1); rc < 0 {
			return rc
		}
	}
	return 0
}

func (s *session) attachAll(f guest.Functions, obj uint32) int32 {
	for _, a := range s.attach {
		prog := f.Find(obj, abi.KindProgram, []byte(a.Program))
		if prog < 0 {
			return prog
		}
		if rc := attachOne(f, uint32(prog), a); rc < 0 {
			return rc
		}
	}
	return 0
}

func attachOne(f guest.Functions, prog uint32, a spec.Attach) int32 {
	h := f.AttachAdd(prog, abi.AttachKind(a.Kind))
	if h < 0 {
		return h
	}
	if rc := f.SetB(uint32(h), abi.PropAttachTarget, []byte(a.Target)); rc < 0 {
		return rc
	}
	if a.Netns == "" {
		return 0
	}
	return f.SetB(uint32(h), abi.PropAttachNetns, []byte(a.Netns))
}

// remark puts what is known of ring buffers into the plan.
func (s *session) remark(f guest.Functions, obj uint32) int32 {
	for _, n := range s.notes {
		m := f.Find(obj, abi.KindMap, []byte(n.mapName))
		if m < 0 {
			return m
		}
		severity := abi.NoteInfo
		if n.warn {
			severity = abi.NoteWarn
		}
		if rc := f.PlanNote(uint32(m), severity, []byte(quote.Text(n.text))); rc < 0 {
			return rc
		}
	}
	return 0
}

// started opens the ring buffers and says what is not shown.
func (s *session) started(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
	for _, n := range s.notes {
		if n.warn {
			f.Log(abi.LogWarn, []byte(quote.Text("map "+n.mapName+": "+n.text)))
		}
	}
	for _, r := range s.rings {
		h := f.SourceOpen([]byte(r.name), abi.SourceOpts{Size: abi.SourceOptsSize, BufPtr: r.buffer, BufLen: r.size})
		if h < 0 {
			return h, nil
		}
		st := &stream{ring: r}
		s.sources[uint32(h)] = st
		if len(s.rings) == 1 {
			s.out = st.head(s.out[:0])
			f.OutWrite(abi.StreamOut, s.out)
		}
	}
	return 0, nil
}

// head appends the header, once.
func (st *stream) head(dst []byte) []byte {
	if st.headed {
		return dst
	}
	st.headed = true
	return st.print.header(dst)
}

// events prints a batch: source, place, bytes, records.
func (s *session) events(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
	st := s.sources[uint32(args[0])]
	if st == nil {
		return 0, fmt.Errorf("records of source %d, which was not opened", args[0])
	}
	b := s.memory[args[1]:][:args[2]]
	s.out = s.out[:0]
	for range args[3] {
		var h abi.EventHeader
		h.Get(b)
		rec := b[abi.EventHeaderSize:][:h.Len]
		b = b[abi.EventHeaderSize+(int(h.Len)+7)&^7:]
		switch {
		case h.Kind == abi.EventLost && len(rec) == 8:
			f.Log(abi.LogWarn, fmt.Appendf(nil, "map %s: %d records were lost", quote.Text(st.name), binary.LittleEndian.Uint64(rec)))
		case h.Kind == abi.EventData && (st.filter == nil || st.filter.Match(rec)):
			s.out = st.print.record(st.head(s.out), rec)
		}
	}
	if len(s.out) > 0 {
		f.OutWrite(abi.StreamOut, s.out) // what is too much is counted by the host
	}
	return int32(args[3]), nil
}
