package sim

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

func TestMap(t *testing.T) {
	b := New(Options{CPUs: 2})
	hash := &spec.Map{Name: "hash", Type: spec.MapHash, KeySize: 4, ValueSize: 2, MaxEntries: 4}
	array := &spec.Map{Name: "array", Type: spec.MapPerCPUArray, KeySize: 4, ValueSize: 2, MaxEntries: 1}
	l, _ := attach(t, b, programOf(t, "p", spec.ProgramXDP, "r0 = 2\nexit"), spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "e"}, hash, array)
	m := l.Maps()[0]
	for i, want := range []error{nil, nil} {
		if err := m.Update(word(uint32(i)), []byte{byte(i), 9}, backend.UpdateNew); !errors.Is(err, want) {
			t.Errorf("update: %v", err)
		}
	}
	if err := m.Update(word(0), []byte{1, 2}, backend.UpdateNew); !errors.Is(err, os.ErrExist) {
		t.Errorf("update of what exists: %v", err)
	}
	if err := m.Update(word(7), []byte{1, 2}, backend.UpdateExist); err != backend.ErrNoKey {
		t.Errorf("update of what does not: %v", err)
	}
	v := make([]byte, 2)
	if err := m.Lookup(word(1), v); err != nil || !bytes.Equal(v, []byte{1, 9}) {
		t.Errorf("look up: %x, %v", v, err)
	}
	if err := m.Lookup(word(1), make([]byte, 3)); err == nil {
		t.Error("a buffer that is too long is filled")
	}
	n, key := 0, []byte(nil)
	for next := make([]byte, 4); m.NextKey(key, next) == nil; n++ {
		key = bytes.Clone(next)
	}
	if n != 2 {
		t.Errorf("%d keys", n)
	}
	if err := m.Delete(word(1)); err != nil {
		t.Error(err)
	}
	if err := m.Delete(word(1)); err != backend.ErrNoKey {
		t.Errorf("delete of what is gone: %v", err)
	}
	if err := m.Lookup(word(1), v); err != backend.ErrNoKey {
		t.Errorf("look up of what is gone: %v", err)
	}
	if a := l.Maps()[1]; a.ValueBufferSize() != 16 || a.ValueSize() != 2 || a.KeySize() != 4 || a.MaxEntries() != 1 || a.Type() != spec.MapPerCPUArray {
		t.Errorf("values of all CPUs have %d bytes", a.ValueBufferSize())
	}
}

func TestLoadRefuses(t *testing.T) {
	b := New(Options{})
	pinned := func() *spec.Collection {
		return &spec.Collection{License: "GPL", Maps: []*spec.Map{{Name: "m", Type: spec.MapHash, KeySize: 4, ValueSize: 2, MaxEntries: 4, Pinning: spec.PinByName}}}
	}
	l, err := b.Load(pinned(), backend.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(pinned(), backend.LoadOptions{}); !errors.Is(err, backend.ErrNotSupported) {
		t.Errorf("a map that is shared: %v", err)
	}
	l.Close()
	if _, err := b.Load(pinned(), backend.LoadOptions{}); err != nil {
		t.Errorf("after the first was closed: %v", err)
	}
	lookup := &spec.Collection{License: "GPL", Programs: []*spec.Program{programOf(t, "p", spec.ProgramXDP, "call bpf_tcp_raw_gen_syncookie_ipv4\nr0 = 2\nexit")}}
	_, err = b.Load(lookup, backend.LoadOptions{})
	if want := `make program "p": instruction 0: not supported: helper bpf_tcp_raw_gen_syncookie_ipv4 is not simulated`; !errors.Is(err, backend.ErrNotSupported) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
