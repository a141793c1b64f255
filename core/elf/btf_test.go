package elf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// TestReadBTF compares with what Load reads.
func TestReadBTF(t *testing.T) {
	for _, name := range elftest.Objects(t, "testdata") {
		raw := elftest.ReadFile(t, name)
		got, base, err := object.ReadBTF(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c, err := elf.LoadBytes(raw, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		if c.BTF != nil {
			want = c.BTF.Bytes()
		}
		if !bytes.Equal(got, want) || base != nil {
			t.Errorf("%s: %d bytes and a base of %d, want %d", name, len(got), len(base), len(want))
		}
	}
}

// TestReadBTFOther reads files that are not eBPF objects: this test, which has no types, and a
// module with a distilled base.
func TestReadBTFOther(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if types, base, err := object.ReadBTF(f); types != nil || base != nil || err != nil && !strings.Contains(err.Error(), "ELF header") && !errors.Is(err, object.ErrNotObject) {
		t.Errorf("%d bytes, a base of %d, %v", len(types), len(base), err)
	}
	module := (&elftest.File{Machine: 62, Sections: []elftest.Section{{Name: ".BTF", Data: []byte("types")}, {Name: ".BTF.base", Data: []byte("base")}}}).Bytes()
	types, base, err := object.ReadBTF(bytes.NewReader(module))
	if string(types) != "types" || string(base) != "base" || err != nil {
		t.Errorf("%q, %q, %v", types, base, err)
	}
}

// TestReadBTFMalformed cuts and changes a file: no panic, and no types that are longer than the
// file.
func TestReadBTFMalformed(t *testing.T) {
	raw := elftest.ReadFile(t, "testdata/tcp-el.o")
	want, _, _ := object.ReadBTF(bytes.NewReader(raw))
	read := func(b []byte) {
		if types, _, err := object.ReadBTF(bytes.NewReader(b)); err == nil && len(types) > len(b) {
			t.Errorf("%d bytes of %d", len(types), len(b))
		}
	}
	for n := range raw {
		if types, _, err := object.ReadBTF(bytes.NewReader(raw[:n])); err == nil && bytes.Equal(types, want) {
			t.Errorf("%d of %d bytes have all types", n, len(raw))
		}
	}
	at := int(binary.LittleEndian.Uint64(raw[40:]))
	for i := range raw {
		if i >= 64 && i < at {
			continue
		}
		b := bytes.Clone(raw)
		for _, c := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			b[i] = c
			read(b)
		}
	}
	for text, err := range map[string]error{"": object.ErrNotObject, "hello": object.ErrNotObject, "\x1f\x8b": object.ErrNotObject} {
		if _, _, got := object.ReadBTF(strings.NewReader(text)); !errors.Is(got, err) {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzReadBTF(f *testing.F) {
	for _, name := range []string{"testdata/tcp-el.o", "testdata/basic-eb.o"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)-64])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		types, base, err := object.ReadBTF(bytes.NewReader(b))
		if err != nil && (types != nil || base != nil) || len(types) > len(b) || len(base) > len(b) {
			t.Errorf("%d and %d bytes of %d, %v", len(types), len(base), len(b), err)
		}
	})
}
