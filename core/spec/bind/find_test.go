package bind

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestFind(t *testing.T) {
	var notes []spec.Note
	f := NewFinder(moduleKernel(t), func(n spec.Note) { notes = append(notes, n) })
	for _, c := range []struct {
		module, name string
		kind         btf.Kind
		want         string // module
		err          string
	}{
		{"", "kernel", btf.KindFunc, "", ""},
		{"", "kernel___v2", btf.KindFunc, "", ""},
		{"", "beta___fix", btf.KindFunc, "beta", ""},
		{"", "beta___other", btf.KindFunc, "", "not found in this kernel and its modules"},
		{"vmlinux", "kernel", btf.KindFunc, "", ""},
		{"vmlinux", "both", btf.KindFunc, "", "not found in this kernel without its modules"},
		{"", "both", btf.KindFunc, "alpha", ""},
		{"beta", "both", btf.KindFunc, "beta", ""},
		{"", "of_beta", btf.KindFunc, "beta", ""},
		{"alpha", "kernel", btf.KindFunc, "", "not found in kernel module alpha"},
		{"alpha", "of_beta", btf.KindFunc, "", "not found in kernel module alpha"},
		{"", "of_beta", btf.KindVar, "", "not found in this kernel and its modules"},
		{"gamma", "both", btf.KindFunc, "", "it is not loaded"},
	} {
		got, err := f.Find(c.module, c.name, c.kind)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) || !errors.Is(err, ErrNotSupported) && !errors.Is(err, kernel.ErrNotSupported) {
				t.Errorf("%s:%s: %v, want %q", c.module, c.name, err, c.err)
			}
		case err != nil || got.Module != c.want || got.ID == 0:
			t.Errorf("%s:%s: %+v, %v", c.module, c.name, got, err)
		}
	}
	if n := notes; len(n) != 1 || n[0].Code != "L03" || !strings.Contains(n[0].Text, `"broken"`) {
		t.Errorf("notes %+v", n)
	}
}

// TestFindOldKernel says that modules have no types, instead of that none of them has the name.
func TestFindOldKernel(t *testing.T) {
	_, dir := moduleKernelIn(t)
	for version, want := range map[uint32]string{
		5<<16 | 10<<8 | 200: "not found in this kernel, whose modules have no types before Linux 5.11: not supported",
		5<<16 | 11<<8:       "not found in this kernel and its modules: not supported",
	} {
		k := kernel.New(kernel.Options{Version: version, CPUs: 4, TypesDir: dir})
		_, err := NewFinder(k, func(spec.Note) {}).Find("", "nosuch", btf.KindFunc)
		if err == nil || err.Error() != want || !errors.Is(err, ErrNotSupported) {
			t.Errorf("%#x: %v, want %s", version, err, want)
		}
		_, err = NewFinder(k, func(spec.Note) {}).Find("gamma", "nosuch", btf.KindFunc)
		want = "it is not loaded or has no types"
		if version < 5<<16|11<<8 {
			want = "modules have no types before Linux 5.11: not supported"
		}
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, kernel.ErrNotSupported) {
			t.Errorf("%#x: a named module: %v, want %s", version, err, want)
		}
		k.Close()
	}
}
