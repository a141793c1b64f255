package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadModule(t *testing.T) {
	b, err := os.ReadFile("../../guests/badguests/unknownimport.wasm")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readModule(b)
	if err != nil {
		t.Fatal(err)
	}
	want := module{
		imports: []string{"bpfhost_v1.frobnicate"},
		exports: []string{"memory", "bpfhost_abi", "bpfhost_plan"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(module{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestReadModulePrefixes reads every prefix of a module: none may panic, and one that ends within
// a section says so.
func TestReadModulePrefixes(t *testing.T) {
	b, err := os.ReadFile("../../guests/badguests/bad.wasm")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for n := range b {
		if _, err := readModule(b[:n]); err != nil {
			failed++
		}
	}
	if failed < len(b)-50 {
		t.Errorf("only %d of %d prefixes were refused", failed, len(b))
	}
}

func TestReadModuleKinds(t *testing.T) {
	// Imports of a table, a memory, a global and a function, behind magic and version.
	b := []byte("\x00asm\x01\x00\x00\x00" + "\x02\x1e\x04" +
		"\x01a\x01t\x01\x70\x01\x01\x02" + "\x01a\x01m\x02\x00\x01" + "\x01a\x01g\x03\x7f\x00" + "\x01a\x01f\x00\x05")
	got, err := readModule(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a.t", "a.m", "a.g", "a.f"}, got.imports); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b[15] = 9 // the table's kind
	if _, err := readModule(b); err == nil {
		t.Error("an import of kind 9 was read")
	}
}
