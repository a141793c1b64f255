package btf

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// sameResult says whether a result is the same with fewer types of the target.
func sameResult(full, small CoreResult, ids []ID) bool {
	if full.Relo.Kind == CoreTypeIDTarget {
		full.Value = uint64(ids[full.Value])
	}
	return full.Value == small.Value && full.Local == small.Local && full.Poison == small.Poison &&
		full.Validate == small.Validate && full.LocalSize == small.LocalSize && full.TargetSize == small.TargetSize &&
		full.NoResize == small.NoResize
}

// checkMin makes the smallest table for relocations and resolves them against it.
func checkMin(t *testing.T, local, target *Types, relos []CoreRelo) *Types {
	t.Helper()
	m := NewMinCore(target)
	if err := m.Add(local, relos); err != nil {
		t.Fatal(err)
	}
	small, ids, err := m.Types()
	if err != nil {
		t.Fatal(err)
	}
	full, least := NewResolver(local, Target{"kernel", target}), NewResolver(local, Target{"kernel", small})
	for _, relo := range relos {
		a, err1 := full.Resolve(relo)
		b, err2 := least.Resolve(relo)
		if err1 != nil || err2 != nil || !sameResult(a, b, ids) {
			t.Errorf("%s: %s and %s, %v, %v", a.Text(), fixupText(a), fixupText(b), err1, err2)
		}
	}
	return small
}

// TestMinCore resolves all kinds of relocation, together and each on its own.
func TestMinCore(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		local, target := coreLocal(t, order), coreTarget(t, order)
		var relos []CoreRelo
		for _, c := range coreCases {
			relos = append(relos, CoreRelo{Type: find(t, local, c.typ, 0), Access: c.access, Kind: c.kind})
		}
		small := checkMin(t, local, target, relos)
		if small.Len() >= target.Len() {
			t.Errorf("%d types of %d are left", small.Len(), target.Len())
		}
		if all := small.FindAll("unrelated"); all != nil {
			t.Error("a type that nothing needs is left")
		}
		for _, r := range relos {
			checkMin(t, local, target, []CoreRelo{r})
		}
	}
}

// TestMinCoreMembers keeps of a struct what was asked for and no more.
func TestMinCoreMembers(t *testing.T) {
	local, target := coreLocal(t, nil), coreTarget(t, nil)
	task := find(t, local, "task___local", KindStruct)
	color := find(t, local, "color", KindEnum)
	small := checkMin(t, local, target, []CoreRelo{{task, "0:0", CoreByteOffset}, {task, "0:3:0:0", CoreExists}, {color, "0", CoreEnumvalValue}})
	compareLines(t, rawDump(t, small), []byte(`[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] INT 'unsigned long long' size=8 bits_offset=0 nr_bits=64 encoding=(none)
[3] STRUCT '(anon)' size=16 vlen=1
	'cookie' type_id=2 bits_offset=64
[4] ENUM64 'color' encoding=UNSIGNED size=8 vlen=1
	'RED' val=1ULL
[5] STRUCT 'task' size=88 vlen=2
	'pid' type_id=1 bits_offset=64
	'(anon)' type_id=3 bits_offset=192
`))
}

// TestMinCoreFlexible keeps what follows an array without a count, since only a last one has
// elements.
func TestMinCoreFlexible(t *testing.T) {
	s := newScalars(nil)
	none := s.Add(&Array{Type: s.int, Index: s.int})
	id := s.Add(&Struct{Name: "s", Size: 8, Members: []Member{{Name: "last", Type: none, Offset: 64}}})
	local := build(t, &s.Builder)
	s = newScalars(nil)
	none = s.Add(&Array{Type: s.int, Index: s.int})
	s.Add(&Struct{Name: "s", Size: 8, Members: []Member{{Name: "last", Type: none}, {Name: "more", Type: s.long}}})
	target := build(t, &s.Builder)
	relo := CoreRelo{id, "0:0:3", CoreExists}
	checkMin(t, local, target, []CoreRelo{{id, "0:0", CoreByteOffset}, relo})
	if f, err := Resolve(local, relo, Target{"kernel", target}); err != nil || f.Value != 0 {
		t.Errorf("%s, %v", fixupText(f), err)
	}
}

// TestMinCoreKernel asks for members of well known structs of this kernel, the program having the
// same types.
func TestMinCoreKernel(t *testing.T) {
	kernel := vmlinux(t)
	var relos []CoreRelo
	for name, ids := range kernel.FindMany(twenty) {
		for _, id := range ids {
			r := kernel.record(id)
			if !r.kind().Composite() {
				continue
			}
			for i := range r.vlen() {
				m := kernel.member(r, i)
				if kernel.nameless(m.name) || i%3 != len(name)%3 {
					continue
				}
				for k := range CoreRShift + 1 {
					relos = append(relos, CoreRelo{id, fmt.Sprintf("0:%d", i), k})
				}
			}
			relos = append(relos, CoreRelo{id, "0", CoreTypeSize}, CoreRelo{id, "0", CoreTypeExists}, CoreRelo{id, "0", CoreTypeIDTarget})
		}
	}
	small := checkMin(t, kernel, kernel, relos)
	if a, b := len(small.Bytes()), len(kernel.Bytes()); a*20 > b {
		t.Errorf("%d bytes of %d are left", a, b)
	}
	t.Logf("%d relocations need %d types, %d bytes", len(relos), small.Len(), len(small.Bytes()))
}
