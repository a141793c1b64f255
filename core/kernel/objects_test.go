package kernel_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestLoadedTypes(t *testing.T) {
	c := typed(t)
	types := c.BTF
	k := kernel.New(kernel.Options{})
	defer k.Close()
	got := load(t, c)
	info, err := got.Program("typed").Info()
	if err != nil {
		t.Fatal(err)
	}
	list, err := k.LoadedTypes()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(l kernel.TypesInfo) bool { return l.ID == info.BTF })
	if i < 0 || list[i].Name != "" || !slices.Contains(list[i].Programs, info.ID) || list[i].Size == 0 {
		t.Errorf("types %d of program %d are not in %+v", info.BTF, info.ID, list)
	}
	named := slices.ContainsFunc(list, func(l kernel.TypesInfo) bool { return l.Name == "vmlinux" })
	if !named && !k.Before(spec.Version{Major: 5, Minor: 11}) {
		t.Error("the kernel's types are not listed")
	}
	own, err := k.TypesOfProgram(info.ID)
	if err != nil {
		t.Fatal(err)
	}
	byID, err := k.TypesByID(info.BTF)
	if err != nil || !bytes.Equal(own.Bytes(), byID.Bytes()) || len(own.Bytes()) != int(list[i].Size) {
		t.Errorf("%d and %d bytes, %v", len(own.Bytes()), len(byID.Bytes()), err)
	}
	if err := own.Validate(); err != nil {
		t.Error(err)
	}
	for id := range types.All() {
		if own.Kind(id) != types.Kind(id) {
			t.Errorf("type %d is a %v, was a %v", id, own.Kind(id), types.Kind(id))
		}
	}
}

func TestLoadedTypesOfKernel(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	list, err := k.LoadedTypes()
	if err != nil {
		t.Fatal(err)
	}
	want, err := k.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		got, err := k.TypesByID(l.ID)
		switch l.Name {
		case "vmlinux":
			if err != nil || got != want {
				t.Errorf("not the kernel's types: %v", err)
			}
		case "veth":
			if err != nil || got.Base() != want {
				t.Errorf("not the module's types: %v", err)
			}
		}
	}
}

func TestLoadedTypesMissing(t *testing.T) {
	c := load(t, &spec.Collection{Maps: []*spec.Map{{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}}})
	info, err := c.Map("m").Info()
	if err != nil {
		t.Fatal(err)
	}
	k := kernel.New(kernel.Options{})
	defer k.Close()
	if _, err := k.TypesOfMap(info.ID); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("a map without types: %v", err)
	}
	const none = 1<<31 - 1
	for what, of := range map[string]func(uint32) (*btf.Types, error){"types": k.TypesByID, "program": k.TypesOfProgram, "map": k.TypesOfMap} {
		if _, err := of(none); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
