package abi

import (
	"math/bits"
	"strings"
	"testing"
)

// checkNew reports what is wrong with a row's minor version and documentation.
func checkNew(t *testing.T, what string, since uint16, doc string) {
	t.Helper()
	if since > Minor {
		t.Errorf("%s: since %d.%d, but this is %d.%d", what, Major, since, Major, Minor)
	}
	if strings.TrimSpace(doc) == "" || strings.Contains(doc, "*/") {
		t.Errorf("%s: bad documentation %q", what, doc)
	}
}

func checkParams(t *testing.T, what string, params []Param) {
	t.Helper()
	names := map[string]bool{}
	for _, p := range params {
		if p.Kind.String() == "" || p.Name == "" || names[p.Name] {
			t.Errorf("%s: bad parameter %+v", what, p)
		}
		names[p.Name] = true
		known := false
		switch p.Kind {
		case InRecord, OutRecord, InArray, OutArray:
			for _, r := range records {
				known = known || r.Name == p.Of && r.Sized == (p.Kind == InRecord || p.Kind == OutRecord)
			}
		case Handle32:
			known = p.Of == "" || hasValue("kind", p.Of)
		default:
			known = p.Of == "" || p.Of == "prop" || hasEnum(p.Of)
		}
		if !known {
			t.Errorf("%s: parameter %s is of unknown %q", what, p.Name, p.Of)
		}
	}
}

func hasEnum(name string) bool {
	for _, e := range enums {
		if e.Name == name {
			return true
		}
	}
	return false
}

func hasValue(enum, name string) bool {
	for _, e := range enums {
		for _, v := range e.Values {
			if e.Name == enum && v.Name == name {
				return true
			}
		}
	}
	return false
}

func TestFuncs(t *testing.T) {
	names := map[string]bool{}
	for i, f := range Funcs() {
		if int(f.ID) != i+1 {
			t.Errorf("function %s has number %d, want %d: no gaps, in order", f.Name, f.ID, i+1)
		}
		if names[f.Name] || f.Phases == 0 || f.Result == "" {
			t.Errorf("function %s: name taken, no phase or no result text", f.Name)
		}
		names[f.Name] = true
		checkNew(t, "function "+f.Name, f.Since, f.Doc)
		checkParams(t, "function "+f.Name, f.Params)
		if f.ID.String() != f.Name {
			t.Errorf("function %d is named %s, want %s", i+1, f.ID, f.Name)
		}
		if got, ok := LookupFunc(f.Name); !ok || got.ID != f.ID {
			t.Errorf("LookupFunc(%q) = %d, %v", f.Name, got.ID, ok)
		}
	}
	if got := FuncID(0).String(); got != "function 0" {
		t.Errorf("function 0 is named %s", got)
	}
	if _, ok := LookupFunc("no_such"); ok {
		t.Error("LookupFunc found no_such")
	}
}

// TestPlanIsPure: whatever reaches the kernel cannot be called before maps exist.
func TestPlanIsPure(t *testing.T) {
	early := PhaseInit | PhaseDescribe | PhaseConfigure | PhasePlan
	for _, name := range []string{"map_open", "map_get", "map_put", "map_del", "map_next", "source_open", "source_ctl",
		"source_stats", "out_write", "timer", "clock", "stop_run"} {
		if f, ok := LookupFunc(name); !ok || f.Phases&early != 0 {
			t.Errorf("%s: found %v, phases %s", name, ok, f.Phases)
		}
	}
}

func TestHooks(t *testing.T) {
	names := map[string]bool{}
	for _, h := range Hooks() {
		if names[h.Name] || bits.OnesCount32(uint32(h.Phase)) != 1 || !strings.HasPrefix(h.Name, "bpfhost_") {
			t.Errorf("hook %s: name taken or odd, or not one phase", h.Name)
		}
		names[h.Name] = true
		checkNew(t, "hook "+h.Name, h.Since, h.Doc)
		checkParams(t, "hook "+h.Name, h.Params)
	}
}

func TestProperties(t *testing.T) {
	last := Prop(0)
	for _, p := range Properties() {
		if p.ID() <= last {
			t.Errorf("property %s has number %#x, not above %#x", p.FullName(), p.ID(), last)
		}
		last = p.ID()
		if p.Num == 0 || p.Read == 0 || p.Type.String() == "" || p.Write&^p.Read != 0 {
			t.Errorf("property %s: no number, phase or type, or written where it cannot be read", p.FullName())
		}
		if p.Type == Choice != (p.Of != "") || p.Of != "" && !hasEnum(p.Of) {
			t.Errorf("property %s: %s of %q", p.FullName(), p.Type, p.Of)
		}
		checkNew(t, "property "+p.FullName(), p.Since, p.Doc)
		if got, ok := LookupProp(p.ID()); !ok || got.FullName() != p.FullName() {
			t.Errorf("LookupProp(%#x) = %s, %v", p.ID(), got.FullName(), ok)
		}
	}
	if _, ok := LookupProp(0x1f01); ok {
		t.Error("LookupProp found 0x1f01")
	}
}

func TestEnums(t *testing.T) {
	for _, e := range Enums() {
		nums, names := map[uint32]bool{}, map[string]bool{}
		for _, v := range e.Values {
			if nums[v.Num] || names[v.Name] || e.Bits && bits.OnesCount32(v.Num) > 1 {
				t.Errorf("enum %s: %s = %d is taken or no bit", e.Name, v.Name, v.Num)
			}
			nums[v.Num], names[v.Name] = true, true
			checkNew(t, e.Name+" "+v.Name, v.Since, v.Doc)
			if e.Name == "kind" && v.Num > 15 {
				t.Errorf("kind %s = %d makes handles negative", v.Name, v.Num)
			}
		}
	}
}

// TestRecords: natural alignment without hidden padding, so that every compiler lays them out
// alike.
func TestRecords(t *testing.T) {
	size := map[string]uint32{"u8": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "u64": 8, "i64": 8}
	for _, r := range Records() {
		end, align := uint32(0), uint32(1)
		for _, f := range r.Fields {
			n := size[f.Type]
			if n == 0 || f.Offset != end || f.Offset%n != 0 {
				t.Errorf("%s.%s: %s at %d, want a known type at %d", r.Name, f.Name, f.Type, f.Offset, end)
				break
			}
			end, align = f.Offset+n, max(align, n)
			checkNew(t, r.Name+"."+f.Name, f.Since, f.Doc)
		}
		if end != r.Size || r.Size%align != 0 {
			t.Errorf("%s: fields end at %d, size %d, alignment %d", r.Name, end, r.Size, align)
		}
		if first := r.Fields[0]; r.Sized != (first.Name == "size" && first.Type == "u32") {
			t.Errorf("%s: sized %v, but starts with %s %s", r.Name, r.Sized, first.Type, first.Name)
		}
		checkNew(t, "record "+r.Name, r.Since, r.Doc)
	}
}

// TestNamesInC holds functions and hooks apart: both are called bpfhost_… in C.
func TestNamesInC(t *testing.T) {
	hooks := map[string]bool{}
	for _, h := range Hooks() {
		hooks[h.Name] = true
	}
	for _, f := range Funcs() {
		if hooks["bpfhost_"+f.Name] {
			t.Errorf("function %s and the hook bpfhost_%s have one name in C", f.Name, f.Name)
		}
	}
}
