package btf

import "testing"

// TestMemberNames holds the index of each struct and enum against reading it.
func TestMemberNames(t *testing.T) {
	w := newMatchWorld()
	deep := w.Add(&Struct{Union: true, Size: 8, Members: []Member{{Name: "a", Type: w.int}, {Name: "z___1", Type: w.int}}})
	w.Add(&Struct{Name: "names", Size: 64, Members: []Member{
		{Name: "b", Type: w.int}, {Type: deep, Offset: 64}, {Name: "a", Type: w.long, Offset: 128}, {Name: "b", Type: w.int, Offset: 256},
		{Name: "ab", Type: w.int, Offset: 320}, {Type: deep, Offset: 384}, {Name: "bits", Type: w.int, Offset: 448, BitSize: 3},
	}})
	types := build(t, &w.Builder)
	words := []string{"a", "b", "ab", "bits", "z", "z___1", "x", "A", "A___y", "B", "C", "p", "q", "", "no"}
	for id := ID(1); int(id) < types.Len(); id++ {
		r := types.record(id)
		if !r.kind().Composite() && !r.kind().Enum() {
			continue
		}
		x := newMemberNames(types, id, r)
		for _, name := range words {
			n, ok := x.find(types, name)
			if r.kind().Enum() {
				if i, want := types.scanEnumerator(r, name); ok != want || ok && (int(x.list[n].index) != i || x.list[n].at != types.coreEnumValue(r, i)) {
					t.Errorf("type %d: enumerator %q is %d, want %d", id, name, n, i)
				}
				continue
			}
			p, want := types.scanMember(id, r, name)
			if ok != want {
				t.Errorf("type %d: member %q: %v", id, name, ok)
			} else if ok {
				got := x.list[n]
				if got.length = 0; got != p {
					t.Errorf("type %d: member %q is %+v, want %+v", id, name, got, p)
				}
				to, typ := types.strip(p.typ)
				if f := x.field(types, n); f != x.field(types, n) || f.id != to || f.size != newField(types, to, typ, p.member).size {
					t.Errorf("type %d: field %q is %+v", id, name, f)
				}
			}
		}
	}
}
