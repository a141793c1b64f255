package btf

import (
	"encoding/binary"
	"strings"
	"testing"
)

// fuzzInput is how many bytes a target takes: runs have to be quick, as a finding is made smaller by many of them.
const fuzzInput = 8 << 10

// FuzzParse does with a blob whatever can be done. Types that are valid must survive being
// prepared for the kernel, and being written and read again.
func FuzzParse(f *testing.F) {
	ext := fixtureBytes(f, "kinds.btfext")
	f.Add(fixtureBytes(f, "kinds.btf"))
	f.Add(afterInt(0, info(KindStruct, 1), 4, 0, 1, 0))
	f.Add(afterInt(0, info(KindConst, 0), 3, 0, info(KindConst, 0), 2))
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := Builder{Order: order}
		for _, typ := range oneOfEach() {
			b.Add(typ)
		}
		f.Add(build(f, &b).Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > fuzzInput {
			return
		}
		exercise(raw, ext)
		types, err := Parse(raw, Options{})
		if err != nil || types.Validate() != nil {
			return
		}
		fixed, _, err := types.ForKernel(KernelOptions{})
		if err != nil {
			return
		}
		again, err := Parse(fixed, Options{})
		if err != nil {
			t.Fatalf("after ForKernel: %v", err)
		}
		if again.Len() < types.Len() {
			t.Fatalf("%d types became %d", types.Len(), again.Len())
		}
		rebuild(t, types)
	})
}

// rebuild writes all types and reads them back.
func rebuild(t *testing.T, types *Types) {
	b := Builder{Order: types.Order()}
	for id, typ := range types.All() {
		if got := b.Add(typ); got != id {
			t.Fatalf("type %d becomes %d", id, got)
		}
	}
	raw, err := b.Bytes()
	if err != nil {
		return // kinds that only their layout describes
	}
	again, err := Parse(raw, Options{})
	if err == nil {
		err = again.Validate()
	}
	if err != nil {
		t.Fatalf("written again: %v", err)
	}
	for id := range ID(types.Len()) {
		if a, b := types.TypeName(id), again.TypeName(id); a != b {
			t.Fatalf("type %d was %q and is %q", id, a, b)
		}
	}
}

func FuzzParseExt(f *testing.F) {
	types := fixture(f)
	f.Add(fixtureBytes(f, "kinds.btfext"))
	f.Add(extBlob(binary.LittleEndian, []uint32{8, 7, 1, 0, 36}, []uint32{16, 7, 1, 8, 1, 5, 1}, []uint32{16, 7, 1, 24, 1, 12, 0}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ext, err := ParseExt(raw, types)
		if err != nil || len(raw) > fuzzInput {
			return
		}
		n := 0
		r := NewResolver(types, Target{"self", types})
		for _, s := range ext.Sections {
			n += len(s.Funcs)*8 + len(s.Lines)*16 + len(s.Relos)*16
			for _, relo := range s.Relos {
				_, _ = r.Resolve(relo.CoreRelo)
			}
		}
		if n > 3*len(raw) { // parts may overlap
			t.Fatalf("%d bytes of records from %d", n, len(raw))
		}
	})
}

// FuzzAccess resolves any access string within one table: what resolves must stay where it is.
func FuzzAccess(f *testing.F) {
	types := fixture(f)
	for _, s := range []string{"0", "0:0", "0:4:0:1:2", "0:12:1", "1:5:2", "", "a:b", "0:-1", "0:99999999999", strings.Repeat("0:", 70) + "0"} {
		for k := range lastCoreKind + 2 {
			f.Add(uint32(9), s, uint32(k))
		}
	}
	f.Add(uint32(30), "1", uint32(CoreEnumvalValue))
	f.Add(uint32(0), "0", uint32(CoreTypeSize))
	f.Fuzz(func(t *testing.T, id uint32, access string, kind uint32) {
		got, err := Resolve(types, CoreRelo{ID(id), access, CoreKind(kind)}, Target{"self", types})
		switch types.Kind(types.Strip(ID(id))) {
		case KindFunc, KindVar, KindDatasec, KindDeclTag:
			return // declarations have names, but are not compatible with anything
		}
		if err == nil && (got.Poison || got.Value != got.Local || got.NoResize) {
			t.Fatalf("%+v", got)
		}
	})
}

// FuzzPath finds any member of any type.
func FuzzPath(f *testing.F) {
	types := fixture(f)
	for _, s := range []string{"", "pid", "pairs[3].b", "tail[9]", "name[0]", "[0]", "a..b", "pairs[", "pairs]"} {
		f.Add(uint32(9), s)
	}
	f.Fuzz(func(t *testing.T, id uint32, path string) {
		p, err := types.Path(ID(id), path)
		if err == nil && int(p.Type) >= types.Len() {
			t.Fatalf("%+v", p)
		}
	})
}

// FuzzDedup removes duplicates of any table, merges it with itself and distills it as split types of another. What
// is valid stays valid, and types keep their names and sizes.
func FuzzDedup(f *testing.F) {
	f.Add(fixtureBytes(f, "kinds.btf"), fixtureBytes(f, "kinds.btf"))
	for _, t := range units(f) {
		f.Add(t.Bytes(), fixtureBytes(f, "kinds.btf"))
	}
	mod := module(f, kernelBase(f, 0, 8))
	f.Add(mod.Base().Bytes(), mod.Bytes())
	f.Add(afterInt(0, info(KindPointer, 0), 3, 0, info(KindConst, 0), 2), afterInt(1, info(KindFwd, 0), 0))
	f.Fuzz(func(t *testing.T, raw, more []byte) {
		types, err := Parse(raw, Options{})
		if err != nil || len(raw)+len(more) > fuzzInput {
			return
		}
		valid := types.Validate() == nil
		got, ids, err := types.Dedup()
		if valid && err == nil {
			sameTypes(t, types, got, ids)
			again, _, err := got.Dedup()
			if err != nil || again.Len() > got.Len() {
				t.Fatalf("%d types became %d, %v", got.Len(), again.Len(), err)
			}
		}
		if plain, _, err := types.Sanitise(0); err == nil {
			if again, err := Parse(plain, Options{}); err != nil || again.Len() < types.Len() {
				t.Fatalf("sanitised: %v", err)
			}
		}
		split, err := Parse(more, Options{Base: types})
		if err != nil {
			return
		}
		valid = valid && split.Validate() == nil
		if got, ids, err := split.Dedup(); valid && err == nil {
			sameTypes(t, split, got, ids)
		}
		base, moved, err := split.Distill()
		if err != nil || !valid {
			return
		}
		if err := base.Validate(); err != nil {
			t.Fatalf("distilled base: %v", err)
		}
		if back, _, err := moved.Rebase(types); err == nil && back.Len() < split.Len() {
			t.Fatalf("%d types became %d", split.Len(), back.Len())
		}
	})
}

// sameTypes checks that types have the names and sizes that they had, except for what was declared only.
func sameTypes(t *testing.T, before, after *Types, ids []ID) {
	if err := after.Validate(); err != nil {
		t.Fatalf("%v", err)
	}
	for id := range ID(before.Len()) {
		if a, b := before.Name(id), after.Name(ids[id]); a != b {
			t.Fatalf("type %d was %q and is %q", id, a, b)
		}
		size, err := before.Size(id)
		if now, err2 := after.Size(ids[id]); err == nil && (err2 != nil || size != now) {
			t.Fatalf("type %d had %d bytes and has %d, %v", id, size, now, err2)
		}
	}
}
