package host

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// auditOf is an audit at a fixed time, of a plugin with a name that would clear a terminal.
func auditOf(w interface{ Write([]byte) (int, error) }) *audit {
	x := newAudit(w, func() *Info { return &Info{Name: "\x1b[2J\u202e\nx", SHA256: "ab", Signers: []string{"ed25519:k"}} })
	x.pid, x.now = 7, func() time.Time { return time.Unix(0, 5).UTC() }
	return x
}

// who is how lines of auditOf begin.
const who = `{"schema":"bpfhost.audit/v1","time":"1970-01-01T00:00:00.000000005Z","pid":7,` +
	`"plugin":{"name":"\u001b[2J\u202e\nx","sha256":"ab","signers":["ed25519:k"]},"event":`

// syncer counts how often it is written and synced.
type syncer struct {
	bytes.Buffer
	writes, syncs int
}

func (s *syncer) Write(b []byte) (int, error) { s.writes++; return s.Buffer.Write(b) }
func (s *syncer) Sync() error                 { s.syncs++; return nil }

// closer is something attached or loaded.
type closer struct {
	maps []backend.Map
	err  error
}

func (c closer) Switch(backend.Program) error           { return nil }
func (c closer) Program(string) (backend.Program, bool) { return nil, false }
func (c closer) Maps() []backend.Map                    { return c.maps }
func (c closer) Close() error                           { return c.err }

func TestAuditLines(t *testing.T) {
	var w syncer
	x := auditOf(&w)
	o := &plan.Object{Name: "o", SHA256: "cd", Pins: plan.PinsOf(map[string]policy.Pin{"m": {Path: "/pins/m"}}), After: &spec.Collection{Maps: []*spec.Map{{Name: "m", Pinning: spec.PinByName}}, Programs: []*spec.Program{{Name: "p", Type: spec.ProgramXDP}}}}
	if err := x.decisions("plan", policy.Decision{Access: "program xdp", Allowed: true, Rule: "allow program *", Policy: "y", Line: 3}, policy.Decision{Access: "map hash", Rule: "no rule for map", Policy: "y"}); err != nil {
		t.Fatal(err)
	}
	kept := backendtest.NewMap("m", spec.MapHash, 1, 2, 4)
	c, err := x.loaded(o, closer{maps: []backend.Map{kept}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.pinned(o, c); err != nil {
		t.Fatal(err)
	}
	if _, err := x.loaded(o, nil, errBroken); err != nil {
		t.Fatal(err)
	}
	a := spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "eth0"}
	h, err := x.attached(o, a, named("p"), closer{err: errBroken}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := x.written(o, kept)
	if w.writes != w.syncs {
		t.Errorf("%d writes, %d of them on the disk", w.writes, w.syncs)
	}
	if err := m.Update([]byte{1}, []byte{2, 3}, backend.UpdateAny); err != nil {
		t.Fatal(err)
	}
	if err := m.Delete([]byte{9}); err != backend.ErrNoKey {
		t.Errorf("the map's own error is %v", err)
	}
	if w.writes != w.syncs+2 {
		t.Errorf("%d writes, %d of them on the disk: writes to maps are too many for that", w.writes, w.syncs)
	}
	if err := h.Close(); err != errBroken {
		t.Errorf("close: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	want := []string{
		`"decision","phase":"plan","access":"program xdp","allowed":true,"rule":"allow program *","line":3,"policy":"y"}`,
		`"decision","phase":"plan","access":"map hash","allowed":false,"rule":"no rule for map","policy":"y"}`,
		`"load","object":"o","object_sha256":"cd","map":"m"}`,
		`"pin","object":"o","object_sha256":"cd","map":"m","path":"/pins/m"}`,
		`"load","object":"o","object_sha256":"cd","error":"broken"}`,
		`"attach","object":"o","object_sha256":"cd","program":"p","hook":"xdp","target":"eth0"}`,
		`"map_update","object":"o","object_sha256":"cd","map":"m","key":"01","value":"0203","value_size":2}`,
		`"map_delete","object":"o","object_sha256":"cd","map":"m","key":"09","error":"no such key"}`,
		`"detach","object":"o","object_sha256":"cd","program":"p","hook":"xdp","target":"eth0","error":"broken"}`,
		`"unload","object":"o","object_sha256":"cd"}`,
	}
	got := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\n")
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], who)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// named is a program of which nothing is known but its name.
type named string

func (n named) Name() string { return string(n) }

// TestAuditFails holds that nothing more is done once a line cannot be written.
func TestAuditFails(t *testing.T) {
	x := auditOf(failingWriter{})
	inner := backendtest.NewMap("m", spec.MapHash, 1, 1, 4)
	m := x.written(&plan.Object{}, inner)
	if err := m.Update([]byte{1}, []byte{1}, backend.UpdateAny); err == nil || err.Error() != "write audit log: broken" {
		t.Errorf("update: %v", err)
	}
	if err := m.Update([]byte{2}, []byte{1}, backend.UpdateAny); err == nil || inner.Lookup([]byte{2}, make([]byte, 1)) != backend.ErrNoKey {
		t.Errorf("another update: %v", err)
	}
	if err := m.Delete([]byte{1}); err == nil || inner.Lookup([]byte{1}, make([]byte, 1)) != nil {
		t.Errorf("delete: %v", err)
	}
	x = auditOf(failingWriter{})
	if h, err := x.attached(&plan.Object{After: &spec.Collection{}}, spec.Attach{}, named("p"), closer{}, nil); h == nil || err == nil {
		t.Errorf("attach: %v, %v; want both, so that it is detached", h, err)
	}
	if err := (auditedHook{Hook: closer{err: errBroken}, x: x}).Close(); !errors.Is(err, errBroken) {
		t.Errorf("the hook's own error is %v", err)
	}
}

// TestAuditPlan holds that a plan whose decisions cannot be written down is none.
func TestAuditPlan(t *testing.T) {
	h, err := New(context.Background(), Config{NoCache: true, Isolate: testIsolate()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	for _, broken := range []bool{false, true} {
		var w syncer
		o := PluginOptions{Audit: &w}
		if broken {
			o.Audit = failingWriter{}
		}
		p, err := h.newPlugin(goInfo, o).open(context.Background(), guest.Go{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Plan(context.Background())
		if failed := err != nil && strings.Contains(err.Error(), "write audit log: broken"); failed != broken {
			t.Errorf("broken %t: %v", broken, err)
		}
		if !broken && strings.Count(w.String(), `"event":"decision","phase":"plan"`) == 0 {
			t.Errorf("no decisions in %q", w.String())
		}
	}
}
