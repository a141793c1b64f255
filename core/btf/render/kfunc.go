package render

import (
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// kfunc is what the declaration tags of a function say. Zero is a function that programs cannot
// call.
type kfunc uint8

const (
	callable kfunc = 1 << iota // programs may call it
	fastcall                   // and it keeps registers, which clang makes use of
)

// kfuncTags are the tags that pahole puts on kernel functions.
var kfuncTags = map[string]kfunc{"bpf_kfunc": callable, "bpf_fastcall": fastcall}

// kfuncTop comes before the prototypes of kernel functions. Programs that have their own define
// the first name.
const kfuncTop = `#ifndef BPF_NO_KFUNC_PROTOTYPES
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`

// findKfuncs notes the kernel functions of one table, the base not included.
func (h *header) findKfuncs(t *btf.Types) {
	for _, tag := range t.DeclTags() {
		if tag.Component >= 0 || kfuncTags[tag.Tag] == 0 || t.Kind(tag.Type) != btf.KindFunc {
			continue
		}
		if h.kfuncs == nil {
			h.kfuncs = map[btf.ID]kfunc{}
		}
		h.kfuncs[tag.Type] |= kfuncTags[tag.Tag]
	}
}

// allKfuncs declares what the prototypes of all kernel functions need.
func (h *header) allKfuncs() error {
	h.findKfuncs(h.t)
	for _, id := range slices.Sorted(maps.Keys(h.kfuncs)) {
		if h.kfuncs[id]&callable == 0 || h.err != nil {
			continue
		}
		if err := h.walk(id, declared); err != nil {
			return err
		}
	}
	return h.err
}

// prototypes writes the kernel functions that were met.
func (h *header) prototypes() {
	if len(h.protos) == 0 {
		return
	}
	h.text(kfuncTop)
	for _, id := range h.protos {
		h.text("extern ")
		h.object(id)
		h.text(" __weak __ksym")
		if h.kfuncs[id]&fastcall != 0 {
			h.text(" __bpf_fastcall")
		}
		h.text(";\n")
	}
	h.text("#endif\n\n")
}
