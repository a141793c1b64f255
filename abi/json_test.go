package abi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestOnlyAdds holds the table to every minor version that was released: what was there then is
// there now, and the same.
func TestOnlyAdds(t *testing.T) {
	kept, err := filepath.Glob("testdata/abi-*.json")
	if err != nil || len(kept) == 0 {
		t.Fatalf("no released definitions: %v", err)
	}
	for _, path := range kept {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var old definition
		if err := json.Unmarshal(b, &old); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, miss := range missing(old, define(true)) {
			t.Errorf("%s: %s was changed or removed", path, miss)
		}
	}
}

// TestOnlyAddsFails shows that a changed table does not pass.
func TestOnlyAddsFails(t *testing.T) {
	changes := map[string]func(*definition){
		"function log":      func(d *definition) { d.Functions[1].Params = nil },
		"function sym":      func(d *definition) { d.Functions[29].ID = 99 },
		"hook bpfhost_plan": func(d *definition) { d.Hooks[3].Phase = []string{"run"} },
		"property map_type": func(d *definition) { d.Properties = remove(d.Properties, "map_type") },
		"field insn.imm":    func(d *definition) { d.Records[0].Fields[6].Offset = 0 },
		"record insn":       func(d *definition) { d.Records[0].Size = 40 },
		"record err_info":   func(d *definition) { d.Records[1].Size = 24 },
		"value errno inval": func(d *definition) { d.Enums[0].Values[0].Num = 50 },
	}
	for want, change := range changes {
		now := define(true)
		change(&now)
		got := missing(define(true), now)
		if len(got) != 1 || got[0] != want {
			t.Errorf("after a change of %s: %q", want, got)
		}
	}
	grown := define(true)
	grown.Records[1].Size += 8
	grown.Functions = append(grown.Functions, jsonFunc{Name: "new"})
	if got := missing(define(true), grown); got != nil {
		t.Errorf("after additions: %q", got)
	}
}

func remove(ps []jsonProperty, name string) []jsonProperty {
	var out []jsonProperty
	for _, p := range ps {
		if p.Name != name {
			out = append(out, p)
		}
	}
	return out
}

// missing names what is in old and not, or not the same, in now. Documentation may change, and
// records that start with their size may grow.
func missing(old, now definition) []string {
	have := map[string]any{}
	for name, v := range contract(now) {
		have[name] = v
	}
	var out []string
	for name, v := range contract(old) {
		if was, ok := v.(jsonRecord); ok {
			is, ok := have[name].(jsonRecord)
			if !ok || was.Sized != is.Sized || is.Size < was.Size || !was.Sized && is.Size != was.Size {
				out = append(out, name)
			}
			continue
		}
		if !reflect.DeepEqual(v, have[name]) {
			out = append(out, name)
		}
	}
	return out
}

// contract is every entry of a definition by name, without documentation.
func contract(d definition) map[string]any {
	out := map[string]any{"module": d.Module, "major": d.Major}
	for _, f := range d.Functions {
		f.Doc, f.Result = "", ""
		out["function "+f.Name] = f
	}
	for _, h := range d.Hooks {
		h.Doc = ""
		out["hook "+h.Name] = h
	}
	for _, p := range d.Properties {
		p.Doc = ""
		out["property "+p.Name] = p
	}
	for _, r := range d.Records {
		for _, f := range r.Fields {
			f.Doc = ""
			out["field "+r.Name+"."+f.Name] = f
		}
		out["record "+r.Name] = jsonRecord{Sized: r.Sized, Size: r.Size}
	}
	for _, e := range d.Enums {
		for _, v := range e.Values {
			out["value "+e.Name+" "+v.Name] = v.Num
		}
	}
	return out
}
