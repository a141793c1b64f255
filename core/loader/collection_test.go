package loader

import (
	"errors"
	"strings"
	"testing"
)

// TestMissing uses maps and programs of names that the collection does not have: every use returns an
// error that names what is near.
func TestMissing(t *testing.T) {
	c := loadT(t, counter(), Options{})
	m, p := c.Map("sen"), c.Program("nosuch")
	if m.Err() == nil || p.Err() == nil || c.Map("seen").Err() != nil || c.Program("count").Err() != nil {
		t.Errorf("%v, %v, %v, %v", m.Err(), p.Err(), c.Map("seen").Err(), c.Program("count").Err())
	}
	const noMap, noProgram = `: no map "sen" was loaded, did you mean "seen"?`, `: no program "nosuch" was loaded, there is "count"`
	use := func(int) error { return nil }
	var walk error
	for range m.All(&walk) {
		t.Error("an entry of no map")
	}
	_, mapInfo := m.Info()
	_, read := m.ReadAt(nil, 0)
	_, programInfo := p.Info()
	_, run := p.TestRun(TestRunOptions{})
	_, instance := p.Instance("")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"lookup": {m.Lookup(key(1), value(1)), noMap}, "take": {m.LookupDelete(key(1), value(1)), noMap}, "update": {m.Update(nil, nil, 0), noMap},
		"delete": {m.Delete(nil), noMap}, "next": {m.NextKey(nil, nil), noMap}, "all": {walk, noMap}, "info": {mapInfo, noMap}, "read": {read, noMap},
		"freeze": {m.Freeze(), noMap}, "fd": {m.WithFD(use), noMap}, "instance": {m.WithInstance(nil), noMap},
		"set map": {m.SetMap(key(0), c.Map("seen")), noMap}, "set program": {m.SetProgram(0, c.Program("count")), noMap},
		"put no map": {c.Map("seen").SetMap(key(0), m), noMap}, "put no program": {c.Map("seen").SetProgram(0, p), noProgram},
		"program fd": {p.WithFD(use), noProgram}, "program info": {programInfo, noProgram}, "run": {run, noProgram}, "member": {instance, noProgram},
	} {
		if c.err == nil || !strings.HasSuffix(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
	if err := errors.Join(m.Close(), p.Close()); err != nil {
		t.Error(err)
	}
}
