package host

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// AuditSchema names the form of a line of the audit log, which docs/audit.md describes. Fields are
// only ever added to it.
const AuditSchema = "bpfhost.audit/v1"

// auditLine is one line. What does not belong to its event is left out.
type auditLine struct {
	Schema string      `json:"schema"`
	Time   string      `json:"time"`
	PID    int         `json:"pid"`
	Plugin auditPlugin `json:"plugin"`
	Event  string      `json:"event"`
	Phase  string      `json:"phase,omitempty"` // of a decision
	*policy.Decision
	Object       string `json:"object,omitempty"` // name
	ObjectSHA256 string `json:"object_sha256,omitempty"`
	Program      string `json:"program,omitempty"`
	ProgramID    uint32 `json:"program_id,omitempty"`
	Tag          string `json:"tag,omitempty"` // the kernel's own digest
	InsnsSHA256  string `json:"insns_sha256,omitempty"`
	Map          string `json:"map,omitempty"`
	MapID        uint32 `json:"map_id,omitempty"`
	Path         string `json:"path,omitempty"` // of a pin
	Hook         string `json:"hook,omitempty"` // family
	Target       string `json:"target,omitempty"`
	Netns        string `json:"netns,omitempty"`
	LinkID       uint32 `json:"link_id,omitempty"`
	Key          string `json:"key,omitempty"`   // in hex
	Value        string `json:"value,omitempty"` // in hex, the first maxAuditValue bytes
	ValueSize    int    `json:"value_size,omitempty"`
	Error        string `json:"error,omitempty"` // why it failed; otherwise it was done
}

// auditPlugin says who.
type auditPlugin struct {
	Name    string   `json:"name"`
	SHA256  string   `json:"sha256"`
	Signers []string `json:"signers"`
}

// maxAuditValue bounds what a line has of a value written to a map, in bytes.
const maxAuditValue = 256

// audit writes what is decided and done for one plugin. A nil audit writes nothing.
type audit struct {
	info func() *Info
	pid  int
	now  func() time.Time

	mu  sync.Mutex // guards what follows
	w   io.Writer
	err error // the first write that failed
}

func newAudit(w io.Writer, info func() *Info) *audit {
	if w == nil {
		return nil
	}
	return &audit{w: w, info: info, pid: os.Getpid(), now: time.Now}
}

// failed returns why nothing can be written down any more.
func (x *audit) failed() error {
	if x == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// write writes lines in one piece, to the disk if sync says so.
func (x *audit) write(sync bool, lines ...auditLine) error {
	if x == nil || len(lines) == 0 {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return x.err
	}
	i := x.info()
	who := auditPlugin{Name: i.Name, SHA256: i.SHA256, Signers: append([]string{}, i.Signers...)}
	var b []byte
	for _, l := range lines {
		l.Schema, l.Time, l.PID, l.Plugin = AuditSchema, x.now().UTC().Format(time.RFC3339Nano), x.pid, who
		line, err := json.Marshal(l)
		if err != nil { // strings and numbers: cannot happen
			return err
		}
		b = append(append(b, quote.JSON(line)...), '\n')
	}
	_, err := x.w.Write(b)
	if file, ok := x.w.(interface{ Sync() error }); ok && sync && err == nil {
		err = file.Sync()
	}
	if err != nil {
		x.err = fmt.Errorf("write audit log: %w", err)
	}
	return x.err
}

// decisions writes what a policy decided.
func (x *audit) decisions(phase string, list ...policy.Decision) error {
	var lines []auditLine
	for i := range list {
		lines = append(lines, auditLine{Event: "decision", Phase: phase, Decision: &list[i]})
	}
	return x.write(true, lines...)
}

// done ends a line with what came of it.
func (l auditLine) done(err error) auditLine {
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

// loaded writes what of an object was loaded, or that it failed. What is loaded is written
// as unloaded when it is closed.
func (x *audit) loaded(o *plan.Object, c backend.Loaded, err error) (backend.Loaded, error) {
	if x == nil {
		return c, nil
	}
	object := auditLine{Event: "load", Object: o.Name, ObjectSHA256: o.SHA256}
	if err != nil {
		return nil, x.write(true, object.done(err))
	}
	var lines []auditLine
	for _, m := range c.Maps() {
		l := object
		l.Map, l.MapID = m.Name(), mapID(m)
		lines = append(lines, l)
	}
	for _, s := range o.After.Programs {
		if p, ok := c.Program(s.Name); ok {
			lines = append(lines, object.of(p))
		}
	}
	return auditedLoaded{c, x, auditLine{Event: "unload", Object: o.Name, ObjectSHA256: o.SHA256}}, x.write(true, lines...)
}

// pinned writes which maps of an object have a name in the bpf file system.
func (x *audit) pinned(o *plan.Object, c backend.Loaded) error {
	if x == nil {
		return nil
	}
	var lines []auditLine
	for _, m := range c.Maps() {
		if pin, ok := o.Pins[m.Name()]; ok {
			lines = append(lines, auditLine{Event: "pin", Object: o.Name, ObjectSHA256: o.SHA256, Map: m.Name(), MapID: mapID(m), Path: pin.Path})
		}
	}
	return x.write(true, lines...)
}

// of adds what is known of a program.
func (l auditLine) of(p backend.Program) auditLine {
	l.Program = p.Name()
	if k, ok := p.(*loader.Program); ok {
		l.InsnsSHA256 = k.Digest()
		if i, err := k.Info(); err == nil {
			l.ProgramID, l.Tag = i.ID, hex.EncodeToString(i.Tag[:])
		}
	}
	return l
}

func mapID(m backend.Map) uint32 {
	if k, ok := m.(kernelMap); ok {
		if i, err := k.Info(); err == nil {
			return i.ID
		}
	}
	return 0
}

// attached writes that a program was attached, or that it failed. That it is detached is written
// when the hook is closed.
func (x *audit) attached(o *plan.Object, a spec.Attach, p backend.Program, h backend.Hook, err error) (backend.Hook, error) {
	if x == nil {
		return h, nil
	}
	l := auditLine{Event: "attach", Object: o.Name, ObjectSHA256: o.SHA256, Hook: a.Kind.String(), Target: a.Target, Netns: a.Netns}.of(p)
	if t, e := spec.ResolveTarget(o.After.Program(a.Program), a); e == nil {
		l.Target, l.Netns = t.String(), t.Netns
	}
	if err != nil {
		return nil, x.write(true, l.done(err))
	}
	if k, ok := h.(interface{ Info() (link.Info, error) }); ok {
		if i, err := k.Info(); err == nil {
			l.LinkID = i.ID
		}
	}
	off := l
	off.Event = "detach"
	return auditedHook{h, x, off}, x.write(true, l)
}

// written returns a map whose writes by the plugin are written down.
func (x *audit) written(o *plan.Object, m backend.Map) backend.Map {
	if x == nil || m.Type() == spec.MapRingbuf { // which nobody writes to, and the backend wants back
		return m
	}
	return auditedMap{m, x, auditLine{Object: o.Name, ObjectSHA256: o.SHA256, Map: m.Name(), MapID: mapID(m)}}
}

// auditedLoaded writes down that it is closed.
type auditedLoaded struct {
	backend.Loaded
	x    *audit
	line auditLine
}

// Close closes programs and maps.
func (c auditedLoaded) Close() error { return c.x.closed(c.line, c.Loaded.Close()) }

// auditedHook writes down that it is closed.
type auditedHook struct {
	backend.Hook
	x    *audit
	line auditLine
}

// Close detaches the program.
func (h auditedHook) Close() error { return h.x.closed(h.line, h.Hook.Close()) }

// closed writes that something ended, and returns why it, or the writing, failed.
func (x *audit) closed(l auditLine, err error) error {
	if werr := x.write(true, l.done(err)); err == nil {
		err = werr
	}
	return err
}

// auditedMap writes down what is written to it.
type auditedMap struct {
	backend.Map
	x    *audit
	line auditLine
}

// Update sets the value of a key.
func (m auditedMap) Update(key, value []byte, flags backend.UpdateFlags) error {
	if err := m.x.failed(); err != nil {
		return err
	}
	err := m.Map.Update(key, value, flags)
	l := m.line
	l.Event, l.Value, l.ValueSize = "map_update", hex.EncodeToString(value[:min(len(value), maxAuditValue)]), len(value)
	return m.wrote(l, key, err)
}

// Delete removes a key.
func (m auditedMap) Delete(key []byte) error {
	if err := m.x.failed(); err != nil {
		return err
	}
	err := m.Map.Delete(key)
	l := m.line
	l.Event = "map_delete"
	return m.wrote(l, key, err)
}

// wrote ends a write. The error of the map itself stays as it is, because guests act on it.
func (m auditedMap) wrote(l auditLine, key []byte, err error) error {
	l.Key = hex.EncodeToString(key)
	if werr := m.x.write(false, l.done(err)); err == nil {
		err = werr
	}
	return err
}
