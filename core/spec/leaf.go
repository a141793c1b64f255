package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// maxLeaves is how many parts of a variable are told one by one; when more differ, the whole value
// is.
const maxLeaves = 32

// maxLeafDepth is how deep structs and arrays may lie in each other for their parts to be told.
const maxLeafDepth = 32

// leaf is a part of a variable: a number, an array of characters, or what is inside of either.
type leaf struct {
	path  string
	typ   btf.ID
	at    uint32 // bytes from the start of the variable
	size  uint32 // bytes
	depth int
}

// leafDiff compares the values of a variable of two collections part by part.
type leafDiff struct {
	x, y     *Index // of a and b
	a, b     *Collection
	old, now []byte
	name     string
	todo     []leaf // the next one last
	told     []PropChange
}

// diffLeaves lists the parts of a variable that differ, by path. It returns nothing when types do
// not say what they are, or differ themselves, or when there are too many.
func diffLeaves(inA, inB *Index, x, y *Var) []PropChange {
	a, b := inA.c, inB.c
	if a.BTF == nil || b.BTF == nil || x.Type == 0 || y.Type == 0 || x.Size != y.Size || a.Order != b.Order {
		return nil
	}
	old, err := x.Bytes(inA)
	if err != nil {
		return nil
	}
	now, err := y.Bytes(inB)
	if err != nil {
		return nil
	}
	d := &leafDiff{x: inA, y: inB, a: a, b: b, old: old, now: now, name: y.Name}
	d.todo = append(d.todo, leaf{path: y.Name, typ: y.Type, size: y.Size})
	for len(d.todo) > 0 {
		l := d.todo[len(d.todo)-1]
		d.todo = d.todo[:len(d.todo)-1]
		if !d.same(l.at, l.size) && !d.step(l, y) || len(d.told)+len(d.todo) > maxLeaves {
			return nil
		}
	}
	d.tellRest()
	return d.told
}

// same reports whether a range of bytes is the same in both values; one that is not in them is not.
func (d *leafDiff) same(at, size uint32) bool {
	end := uint64(at) + uint64(size)
	return end <= uint64(len(d.old)) && bytes.Equal(d.old[at:end], d.now[at:end])
}

// step goes into a part that differs, or tells it. It reports whether that was possible.
func (d *leafDiff) step(l leaf, v *Var) bool {
	if uint64(l.at)+uint64(l.size) > uint64(len(d.old)) || l.depth > maxLeafDepth {
		return false
	}
	t, err := d.b.BTF.Type(d.b.BTF.Strip(l.typ))
	if err != nil {
		return false
	}
	switch t := t.(type) {
	case *btf.Struct:
		return d.members(l, t)
	case *btf.Array:
		if d.tellText(l, t) {
			return true
		}
		count := t.Count
		if l.depth == 0 {
			if _, n, ok := d.b.elements(v); ok {
				count = n
			}
		}
		return d.array(l, t.Type, count)
	}
	return d.tell(l)
}

// members lists the members that differ; of a union the first that fills it.
func (d *leafDiff) members(l leaf, s *btf.Struct) bool {
	from := len(d.todo)
	for _, m := range s.Members {
		inner := leaf{path: l.path, typ: m.Type, at: l.at + m.Offset/8, depth: l.depth + 1}
		if m.Name != "" {
			inner.path += "." + m.Name
		}
		size, err := d.b.BTF.Size(m.Type)
		if err != nil {
			return false
		}
		inner.size = size
		if m.BitSize > 0 {
			inner.size = (m.Offset%8 + m.BitSize + 7) / 8
		}
		if s.Union && size != s.Size || size == 0 && m.Name == "" {
			continue
		}
		if !d.same(inner.at, inner.size) && (m.Name != "" || m.BitSize == 0) {
			d.todo = append(d.todo, inner)
		}
		if s.Union {
			break
		}
	}
	slices.Reverse(d.todo[from:])
	return true
}

// array lists the elements that differ.
func (d *leafDiff) array(l leaf, elem btf.ID, count uint32) bool {
	size, err := d.b.BTF.Size(elem)
	if err != nil || size == 0 || uint64(size)*uint64(count) > uint64(l.size) {
		return false
	}
	from := len(d.todo)
	for i := range count {
		at := l.at + i*size
		if d.same(at, size) {
			continue
		}
		d.todo = append(d.todo, leaf{path: l.path + "[" + strconv.FormatUint(uint64(i), 10) + "]", typ: elem, at: at, size: size, depth: l.depth + 1})
		if len(d.todo) > maxLeaves {
			return false
		}
	}
	slices.Reverse(d.todo[from:])
	return true
}

// tell tells a part by its path, which has to lead to the same place in both collections.
func (d *leafDiff) tell(l leaf) bool {
	p, err := d.x.VarPath(l.path)
	if err != nil {
		return false
	}
	q, err := d.y.VarPath(l.path)
	if err != nil || q.Offset < l.at || uint64(q.Offset)+uint64(q.Size) > uint64(l.at)+uint64(l.size) {
		return false
	}
	if p.Type, p.Var = q.Type, q.Var; p != q {
		return false
	}
	old, now := p.text(d.x), q.text(d.y)
	if old != now { // neighbours of a bit-field may be what differs
		d.add(l.path, old, now)
	}
	d.clear(p)
	return true
}

// add adds a change. That of a variable as a whole is a change of its value.
func (d *leafDiff) add(path, old, now string) {
	if path == d.name {
		path = "value"
	}
	d.told = append(d.told, PropChange{path, old, now})
}

// tellText tells an array of characters when both values are texts, filled up with zeroes.
func (d *leafDiff) tellText(l leaf, a *btf.Array) bool {
	t, err := d.b.BTF.Type(d.b.BTF.Strip(a.Type))
	if i, ok := t.(*btf.Int); err != nil || !ok || i.Name != "char" {
		return false
	}
	old, isOld := charText(d.old[l.at : l.at+l.size])
	now, isNow := charText(d.now[l.at : l.at+l.size])
	if !isOld || !isNow {
		return false
	}
	d.add(l.path, old, now)
	clear(d.old[l.at : l.at+l.size])
	clear(d.now[l.at : l.at+l.size])
	return true
}

// charText returns the text that an array of characters holds, if it holds one.
func charText(b []byte) (string, bool) {
	text := bytes.TrimRight(b, "\x00")
	for _, x := range text {
		if x < ' ' || x >= 0x7f {
			return "", false
		}
	}
	return string(text), true
}

// clear takes a part that was told out of the values.
func (d *leafDiff) clear(p VarPath) {
	if p.Bits > 0 && p.Bits != 8*p.Size {
		for bit := p.Shift; bit < p.Shift+p.Bits; bit++ {
			i := bit / 8
			if d.b.Order == asm.BigEndian {
				i = p.Size - 1 - i
			}
			d.old[p.Offset+i] &^= 1 << (bit % 8)
			d.now[p.Offset+i] &^= 1 << (bit % 8)
		}
		return
	}
	clear(d.old[p.Offset : p.Offset+p.Size])
	clear(d.now[p.Offset : p.Offset+p.Size])
}

// tellRest tells the bytes that are in no part: padding, and unions that no member fills.
func (d *leafDiff) tellRest() {
	if from, to := differing(d.old, d.now); from < to {
		d.told = append(d.told, PropChange{fmt.Sprintf("%s+%#x", d.name, from), hexBytes(d.old[from:to]), hexBytes(d.now[from:to])})
	}
}

// text returns the value of a place: a number where it is one, otherwise its bytes.
func (p VarPath) text(s Scope) string {
	if p.Bits > 0 {
		if p.sign == signTwos {
			if x, err := p.Int(s); err == nil {
				return strconv.FormatInt(x, 10)
			}
		}
		if x, err := p.Uint(s); err == nil {
			return strconv.FormatUint(x, 10)
		}
	}
	b, err := p.Bytes(s)
	if err != nil {
		return ""
	}
	return hexBytes(b)
}
