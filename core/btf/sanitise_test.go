package btf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestSanitise replaces everything that the first kernel with BTF did not know.
func TestSanitise(t *testing.T) {
	s := newScalars(nil)
	proto := s.Add(&FuncProto{Return: s.int, Params: []Param{{"a", s.int}, {}}})
	s.Add(&Func{"f", proto, LinkGlobal})
	v := s.Add(&Var{"v", s.int, LinkGlobal})
	s.Add(&Datasec{".data.x", 8, []SecVar{{v, 4, 4}}})
	s.Add(&Float{"double", 8})
	st := s.Add(&Struct{Name: "s", Size: 4, Members: []Member{{"m", s.int, 0, 0}}})
	s.Add(&DeclTag{Tag: "d", Type: st, Component: 0})
	s.Add(&DeclTag{Tag: "d", Type: st, Component: -1, Attr: true})
	s.Add(&TypeTag{Tag: "t", Type: s.int})
	s.Add(&TypeTag{Tag: "t", Type: s.int, Attr: true})
	s.Add(&Enum{Name: "w", Size: 8, Wide: true, Values: []Enumerator{{"A", 1 << 40}, {"B", 2}}})
	s.Add(&Enum{Name: "low", Size: 4, Signed: true, Values: []Enumerator{{"L", 1<<64 - 1}}})
	types := build(t, &s.Builder)
	if f := types.Features(); f != AllFeatures&^FeatureLayout {
		t.Errorf("features %v", f)
	}
	for _, c := range []struct {
		lacks Feature
		want  string
	}{
		{0, ""},
		{FeatureFuncLinkage, "[9] FUNC 'f' type_id=8 linkage=static\n"},
		{FeatureFloat, "[12] STRUCT '(anon)' size=8 vlen=0\n"},
		{FeatureAttr, ""}, // the dump does not show it
		{FeatureEnum64, "[18] UNION 'w' size=8 vlen=2\n\t'A' type_id=20 bits_offset=0\n\t'B' type_id=20 bits_offset=0\n" +
			"[19] ENUM 'low' encoding=UNSIGNED size=4 vlen=1\n\t'L' val=4294967295\n" +
			"[20] INT 'enum64_placeholder' size=1 bits_offset=0 nr_bits=8 encoding=(none)\n"},
		{AllFeatures &^ FeatureEnum64, `[8] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=2
	'a' val=0
	'arg1' val=1
[9] TYPEDEF 'f' type_id=8
[10] INT 'v' size=1 bits_offset=0 nr_bits=8 encoding=(none)
[11] STRUCT '_data_x' size=8 vlen=1
	'v' type_id=10 bits_offset=32
[12] STRUCT '(anon)' size=8 vlen=0
[14] INT '(anon)' size=1 bits_offset=0 nr_bits=8 encoding=(none)
[15] INT '(anon)' size=1 bits_offset=0 nr_bits=8 encoding=(none)
[16] CONST '(anon)' type_id=3
[17] CONST '(anon)' type_id=3
`},
	} {
		raw, list, err := types.Sanitise(AllFeatures &^ c.lacks)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := Parse(raw, Options{})
		if err == nil {
			err = plain.Validate()
		}
		if err != nil {
			t.Fatalf("%v: %v", c.lacks, err)
		}
		if f := plain.Features() & c.lacks; f != 0 {
			t.Errorf("%v: it still uses %v", c.lacks, f)
		}
		compareLines(t, []byte(changedTypes(t, types, plain)), []byte(c.want))
		changed := 0
		for _, r := range list {
			if types.Name(r.Type) != r.Name || types.Kind(r.Type) != r.From || plain.Kind(r.Type) != r.To || r.Lacks&c.lacks == 0 {
				t.Errorf("%v: %+v", c.lacks, r)
			}
			changed++
		}
		if (changed > 0) != (c.lacks != 0) {
			t.Errorf("%v: %d replacements", c.lacks, changed)
		}
		for id := types.First(); int(id) < types.Len(); id++ {
			if k := types.Kind(id); k != KindVar && k != KindDeclTag && k != KindFuncProto && k != KindFunc {
				before, err1 := types.Size(id)
				if after, err2 := plain.Size(id); before != after || (err1 == nil) != (err2 == nil) {
					t.Errorf("%v: type %d had %d bytes and has %d", c.lacks, id, before, after)
				}
			}
		}
	}
	split := Builder{Base: types}
	if _, _, err := build(t, &split).Sanitise(0); !errors.Is(err, ErrForKernel) {
		t.Errorf("split: %v", err)
	}
}

// changedTypes returns the dump of the types of after that are others in before.
func changedTypes(t *testing.T, before, after *Types) string {
	entries := func(types *Types) []string {
		return strings.Split(strings.ReplaceAll("\n"+string(rawDump(t, types)), "\n[", "\x00["), "\x00")[1:]
	}
	a, b := entries(before), entries(after)
	var out strings.Builder
	for i := range b {
		if i >= len(a) || a[i] != b[i] {
			out.WriteString(strings.TrimSuffix(b[i], "\n") + "\n")
		}
	}
	return out.String()
}

// TestFeatures checks names and versions, and that each probe needs what it probes for.
func TestFeatures(t *testing.T) {
	if got := (FeatureFloat | FeatureFuncLinkage).String(); got != "func linkage, float" {
		t.Error(got)
	}
	if got := (FeatureFloat | FeatureFuncLinkage).Since(); got != "5.13" {
		t.Error(got)
	}
	if Feature(0).Since() != "" || Feature(0).String() != "" {
		t.Error("nothing has a name")
	}
	for f := Feature(1); f&AllFeatures != 0; f <<= 1 {
		types, err := Parse(f.Probe(nil), Options{})
		if err == nil {
			err = types.Validate()
		}
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		if types.Features()&f == 0 {
			t.Errorf("the probe for %v uses %v", f, types.Features())
		}
		raw, _, err := types.Sanitise(AllFeatures &^ f)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := Parse(raw, Options{})
		if err != nil || plain.Features()&f != 0 {
			t.Errorf("%v: it is still used, %v", f, err)
		}
	}
}

func ExampleTypes_Sanitise() {
	var b Builder
	b.Add(&Float{Name: "double", Size: 8})
	types, err := b.Types()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, replaced, err := types.Sanitise(AllFeatures &^ FeatureFloat)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range replaced {
		fmt.Printf("%v %q became %v, for lack of %v (Linux %s)\n", r.From, r.Name, r.To, r.Lacks, r.Lacks.Since())
	}
	// Output: float "double" became struct, for lack of float (Linux 5.13)
}
