package btf

import (
	"errors"
	"strings"
	"testing"
)

// insideNames makes a table of n declarations, of which each name begins one character further
// inside of a long one.
func insideNames(t *testing.T, n int) *Types {
	var words []uint32
	for i := range n {
		words = append(words, uint32(1+i), info(KindFwd, 0), 0)
	}
	types, err := Parse(rawBlob("\x00"+strings.Repeat("x", n)+"\x00y\x00", words...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestStringMapInside copies strings that begin inside of others, alone and with other types.
// Copied one by one, those of the first table would take 50 MB.
func TestStringMapInside(t *testing.T) {
	const n = 10_000
	from := insideNames(t, n)
	var alone Builder
	alone.AddAll(from)
	raw, err := alone.Bytes()
	if want := headerSize + 12*n + 1 + n + 1; err != nil || len(raw) != want {
		t.Errorf("%d bytes, want %d, %v", len(raw), want, err)
	}
	from = insideNames(t, 100)
	var some, more Builder
	ids := some.AddTypes(from, 100, 3, 5)
	more.AddAll(from)
	more.Add(&Fwd{Name: "y"})
	got, all := build(t, &some), build(t, &more)
	for _, id := range []ID{3, 5, 100} {
		if want := from.Name(id); got.Name(ids(id)) != want || all.Name(id) != want {
			t.Errorf("type %d is %q and %q, want %q", id, got.Name(ids(id)), all.Name(id), want)
		}
	}
	if s := string(got.strs.data); s != "\x00"+from.Name(3)+"\x00" {
		t.Errorf("strings %q", s)
	}
}

// TestStringMapOrder takes strings of a base and of what goes on from it in the order that they
// have, and none that is not in use.
func TestStringMapOrder(t *testing.T) {
	base, err := Parse(rawBlob("\x00c\x00unused\x00b\x00", 10, info(KindFwd, 0), 0, 1, info(KindFwd, 0), 0), Options{})
	if err != nil {
		t.Fatal(err)
	}
	split, err := Parse(rawBlob("other\x00a\x00\x00", 18, info(KindFwd, 0), 0, 20, info(KindFwd, 0), 0), Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	var flat Builder
	flat.AddAll(split)
	if got := build(t, &flat); string(got.strs.data) != "\x00c\x00b\x00a\x00" || got.Name(3) != "a" || got.Name(4) != "" {
		t.Errorf("in one: %q", got.strs.data)
	}
	on := Builder{Base: base}
	on.AddAll(split)
	if got := build(t, &on); string(got.strs.data) != "a\x00" || got.Name(3) != "a" || got.Name(1) != "b" {
		t.Errorf("split: %q", got.strs.data)
	}
}

// TestStringMapRange has names after the strings, near and far.
func TestStringMapRange(t *testing.T) {
	for _, off := range []uint32{3, 63, 64, 1 << 20, 1<<32 - 1} {
		types, err := Parse(rawBlob("\x00a\x00", off, info(KindFwd, 0), 0), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, more := range []int{0, 1} {
			var b Builder
			b.AddTypes(types, 1)
			for range more {
				b.Add(&Fwd{Name: "a"})
			}
			if _, err := b.Bytes(); !errors.Is(err, ErrString) {
				t.Errorf("offset %d: %v", off, err)
			}
		}
	}
}
