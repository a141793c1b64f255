package objectrun

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// channels is an object with two ring buffers of different records, one without type, and a perf
// event array.
func channels(t *testing.T) *spec.Collection {
	t.Helper()
	b := &btf.Builder{}
	u32 := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	one := b.Add(&btf.Struct{Name: "one", Size: 8, Members: []btf.Member{{Name: "pid", Type: u32}, {Name: "uid", Type: u32, Offset: 32}}})
	two := b.Add(&btf.Struct{Name: "two", Size: 4, Members: []btf.Member{{Name: "pid", Type: u32}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c := programs(&spec.Program{Name: "p", Section: "raw_tp/sys_enter", Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"})
	ring := func(name string, value btf.ID) *spec.Map {
		return &spec.Map{Name: name, Type: spec.MapRingbuf, MaxEntries: 4096, Value: value}
	}
	c.BTF = types
	c.Maps = []*spec.Map{ring("ones", one), ring("twos", two), ring("raw", 0), {Name: "perf", Type: spec.MapPerfEventArray, KeySize: 4, ValueSize: 4}}
	return c
}

// Which ring buffers are read, with which fields.
func TestRecords(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want string // ring buffers with their fields, or the error
	}{
		{Options{}, "ones pid uid, twos pid, raw"},
		{Options{Fields: []string{"pid"}}, "ones pid, twos pid"},
		{Options{Filter: "uid == 0"}, "ones pid uid"},
		{Options{Fields: []string{"uid"}, Filter: "pid == 0"}, "ones uid"},
		{Options{Filter: "gid == 0"}, `--filter 'gid == 0': column 1: struct one has no field "gid", did you mean "pid" or "uid"?`},
		{Options{Fields: []string{"gid"}}, `--fields gid: struct one has no field "gid"`},
		{Options{Filter: "pid == -1"}, "does not fit pid (unsigned int)"},
		{Options{Types: map[string]string{"raw": "struct two"}, Fields: []string{"pid"}}, "ones pid, twos pid, raw pid"},
		{Options{Types: map[string]string{"twos": "struct one"}}, "ones pid uid, twos pid uid, raw"},
		{Options{Types: map[string]string{"raw": "one"}}, "ones pid uid, twos pid, raw pid uid"},
		{Options{Types: map[string]string{"raw": "unsigned int"}}, "ones pid uid, twos pid, raw value"},
		{Options{Types: map[string]string{"raw": "union one"}}, "the object's BTF has no union one"},
		{Options{Types: map[string]string{"raw": "struct on"}}, `--type raw=struct on: the object's BTF has no struct on, did you mean "struct one"?`},
		{Options{Types: map[string]string{"rwa": "one"}}, `there is no map "rwa", did you mean "raw"?`},
		{Options{Types: map[string]string{"perf": "one"}}, `map "perf" is a perf_event_array; only the records of ring buffers are read`},
	} {
		got := ""
		p, err := New("o", "o.o", channels(t), tt.o)
		if err != nil {
			got = err.Error()
		} else {
			var list []string
			for _, r := range p.rings {
				s := r.name
				for _, f := range r.fields {
					s += " " + f.Path
				}
				list = append(list, s)
			}
			got = strings.Join(list, ", ")
			if last := p.notes[len(p.notes)-1]; len(tt.o.Fields) == 0 && tt.o.Filter == "" && !strings.Contains(last.text, "perf event arrays are not read yet") {
				t.Errorf("%+v: the last note is %q", tt.o, last.text)
			}
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%+v: %s\nwant %s", tt.o, got, tt.want)
		}
	}
	none := programs(&spec.Program{Name: "p", Section: "raw_tp/sys_enter", Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"})
	if _, err := New("o", "o.o", none, Options{Filter: "pid == 1"}); err == nil || !strings.Contains(err.Error(), "the object has no ring buffer") {
		t.Errorf("no ring buffer: %v", err)
	}
}
