package btf

import "testing"

// matchWorld is a table of types that differ from each other in one way each.
type matchWorld struct {
	*scalars
	ids map[string]ID
}

func newMatchWorld() *matchWorld {
	w := &matchWorld{newScalars(nil), map[string]ID{}}
	set := func(name string, t Type) ID {
		w.ids[name] = w.Add(t)
		return w.ids[name]
	}
	one := func(name string, m ...Member) *Struct { return &Struct{Name: name, Size: 16, Members: m} }
	set("int", &Typedef{"alias", w.int})
	w.ids["uint"], w.ids["long"], w.ids["void *"] = w.u32, w.long, w.ptr
	w.ids["char"] = w.char
	set("old int", &Int{Name: "int", Size: 4, Encoding: IntSigned, Offset: 3, Bits: 5}) // a bit-field as a type
	s := set("s", one("s", Member{Name: "x", Type: w.int}))
	set("s renamed", one("other", Member{Name: "x", Type: w.int}))
	set("s flavored", one("s___2", Member{Name: "x", Type: w.int, Offset: 64}, Member{Name: "y", Type: w.int}))
	set("s wider x", one("s", Member{Name: "x", Type: w.long}))
	set("s without x", one("s", Member{Name: "y", Type: w.int}))
	u := set("union s", &Struct{Name: "s", Union: true, Size: 16, Members: []Member{{Name: "x", Type: w.int}}})
	fs := set("fwd s", &Fwd{Name: "s"})
	fu := set("fwd union s", &Fwd{Name: "s", Union: true})
	set("s *", &Pointer{s})
	set("const s *", &Pointer{w.Add(&Const{s})})
	set("union s *", &Pointer{u})
	set("fwd s *", &Pointer{fs})
	set("fwd union s *", &Pointer{fu})
	set("int *", &Pointer{w.int})
	set("s[2]", &Array{s, w.int, 2})
	set("s[3]", &Array{s, w.int, 3})
	set("int[2]", &Array{w.int, w.int, 2})
	set("e", &Enum{Name: "e", Size: 4, Values: []Enumerator{{"A", 0}, {"B", 1}}})
	set("e more", &Enum{Name: "e___x", Size: 4, Values: []Enumerator{{"C", 9}, {"B", 7}, {"A___y", 8}}})
	set("e wide", &Enum{Name: "e", Size: 8, Wide: true, Values: []Enumerator{{"A", 0}, {"B", 1}}})
	set("e short wide", &Enum{Name: "e", Size: 4, Wide: true, Values: []Enumerator{{"A", 0}, {"B", 1}}})
	set("f(int)", &FuncProto{w.int, []Param{{"n", w.int}}})
	set("f(char)", &FuncProto{w.int, []Param{{"n", w.char}}})
	set("f()", &FuncProto{w.int, nil})
	set("f(int) ptr", &FuncProto{w.ptr, []Param{{"m", w.int}}})
	set("float", &Float{"float", 4})
	set("double", &Float{"double", 8})
	anon := w.Add(&Struct{Size: 8, Members: []Member{{Name: "p", Type: w.int}}})
	anon2 := w.Add(&Struct{Size: 8, Members: []Member{{Name: "q", Type: w.int}}})
	set("s anon", one("sa", Member{Type: anon2}))
	set("s anons", one("sa", Member{Type: anon}, Member{Type: anon2}))
	node := &Struct{Name: "node", Size: 8}
	self := set("node", node)
	node.Members = []Member{{Name: "next", Type: w.Add(&Pointer{self})}}
	return w
}

// fits is fieldsFit for two types of one table.
func fits(types *Types, local, target ID) bool {
	l, r := newMemberField(types, member{typ: local}), newMemberField(types, member{typ: target})
	return fieldsFit(types, l, types, r)
}

func TestMatch(t *testing.T) {
	w := newMatchWorld()
	types := build(t, &w.Builder)
	for _, c := range []struct {
		local, target          string
		fits, compat, matching bool
	}{
		{"int", "int", true, true, true},
		{"int", "uint", true, true, false},
		{"int", "long", true, true, false},
		{"int", "char", true, true, false},
		{"int", "old int", false, false, true},
		{"old int", "int", false, false, true},
		{"int", "s", false, false, false},
		{"int", "void *", false, false, false},
		{"s", "s", true, true, true},
		{"s", "s renamed", true, true, false},
		{"s", "s flavored", true, true, true},
		{"s flavored", "s", true, true, false},
		{"s", "s wider x", true, true, false},
		{"s", "s without x", true, true, false},
		{"s", "union s", true, false, false},
		{"s", "fwd s", false, false, false},
		{"fwd s", "fwd s", true, true, true},
		{"fwd s", "fwd union s", true, true, false},
		{"s *", "s *", true, true, true},
		{"s *", "const s *", true, true, true},
		{"s *", "union s *", true, false, false},
		{"s *", "fwd s *", true, false, true},
		{"fwd s *", "s *", true, false, true},
		{"fwd s *", "union s *", true, false, false},
		{"fwd union s *", "union s *", true, false, true},
		{"s *", "int *", true, false, false},
		{"s *", "void *", true, false, false},
		{"s[2]", "s[3]", true, true, true},
		{"s[2]", "int[2]", false, false, false},
		{"e", "e", true, true, true},
		{"e", "e more", true, true, true},
		{"e more", "e", true, true, false},
		{"e", "e wide", true, true, false},
		{"e", "e short wide", true, true, true},
		{"f(int)", "f(int)", false, true, true},
		{"f(int)", "f(char)", false, true, false},
		{"f(int)", "f()", false, false, false},
		{"f(int)", "f(int) ptr", false, false, false},
		{"float", "double", true, true, false},
		{"s anon", "s anons", true, true, true},
		{"s anons", "s anon", true, true, false},
		{"node", "node", true, true, true},
	} {
		l, r := w.ids[c.local], w.ids[c.target]
		if l == 0 || r == 0 {
			t.Fatalf("no such type: %q, %q", c.local, c.target)
		}
		if got := fits(types, l, r); got != c.fits {
			t.Errorf("a member %q for %q: %v", c.target, c.local, got)
		}
		if got := Compatible(types, l, types, r); got != c.compat {
			t.Errorf("%q compatible with %q: %v", c.local, c.target, got)
		}
		if got := matches(types, l, types, r); got != c.matching {
			t.Errorf("%q matches %q: %v", c.local, c.target, got)
		}
	}
}

// TestMatchEnds compares prototypes that take two pointers to the next one each, in a ring: without
// a memory of pairs that is 2^32 steps.
func TestMatchEnds(t *testing.T) {
	const ring = 64
	var b Builder
	for i := range ID(ring) {
		p := 2 + 2*i // the pointer after this prototype
		b.Add(&FuncProto{Params: []Param{{"a", p}, {"b", p}}})
		b.Add(&Pointer{1 + 2*((i+1)%ring)})
	}
	types := build(t, &b)
	if !Compatible(types, 1, types, 3) {
		t.Error("equal rings are not compatible")
	}
	if matches(types, 1, types, 3) {
		t.Error("a ring that is deeper than the limit matches")
	}
}
