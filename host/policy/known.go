package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// maxNumber is more than any helper, program type or map type has.
const maxNumber = 1024

// names collects the texts of the numbers from 1 that parse as they print.
func names[T ~uint32 | ~int32](text func(T) string, parse func(string) (T, bool)) []string {
	var list []string
	for n := T(1); n < maxNumber; n++ {
		if name := text(n); name != "" {
			if back, ok := parse(name); ok && back == n {
				list = append(list, name)
			}
		}
	}
	return list
}

// knownNames lists, by list key, the names that this version knows.
var knownNames = sync.OnceValue(func() map[string][]string {
	known := map[string][]string{
		"program": names(spec.ProgramType.String, spec.ParseProgramType),
		"map":     names(spec.MapType.String, spec.ParseMapType),
		"helper":  names(asm.Helper.String, asm.ParseHelper),
		"kfunc":   ClassEnforce.Names(ClassKfunc),
	}
	return known
})

// knownKinds says what the names of a list are.
var knownKinds = map[string]string{"program": "program type", "map": "map type", "helper": "helper", "kfunc": "kernel function"}

// unknownName says that an exact pattern names a program type, map type, helper or kernel function
// that this version does not know, and which name is near; empty when it is known, or when names of
// the list cannot be known. Numbers, "#250", are what is unknown by name.
func unknownName(key, text string) string {
	names, listed := knownNames()[key]
	if !listed || !(pattern{text: text}).exact() || strings.HasPrefix(text, "#") {
		return ""
	}
	name := text
	switch key {
	case "helper":
		name = "bpf_" + strings.TrimPrefix(text, "bpf_")
	case "kfunc":
		name = btf.Essential(text)
	}
	for _, have := range names {
		if have == name {
			return ""
		}
	}
	near := ""
	if best := nearest.Name(name, names); best != "" {
		near = ", did you mean " + best + "?"
	}
	return fmt.Sprintf("there is no %s %s%s", knownKinds[key], printable(text), near)
}

// isNewName reports whether names of the list appear with new kernels, so that one that is not known
// may exist: it is noted and not refused.
func isNewName(key string) bool { return key == "kfunc" }

// unknownFunction is the note about a kernel function that this version does not know.
func unknownFunction(text string) string {
	why := unknownName("kfunc", text)
	if why == "" {
		return ""
	}
	_, near, _ := strings.Cut(why, ", ")
	note := "kfunc " + printable(text) + " is not known to this version"
	if near != "" {
		note += ", " + near
	}
	return note
}

// Notes lists what is unusual about the policy and not wrong, each with its line: kernel functions
// that this version does not know, and patterns that match no name that it knows.
func (p *Policy) Notes() []string {
	var notes []string
	for _, key := range slices.Sorted(maps.Keys(knownKinds)) {
		for _, it := range p.lists[key].items {
			note := ""
			if isNewName(key) {
				note = unknownFunction(it.text)
			} else if !it.exact() && matchesNothing(key, it) {
				note = fmt.Sprintf("no %s that this version knows matches %s", knownKinds[key], printable(it.text))
			}
			if note != "" {
				notes = append(notes, fmt.Sprintf("%s:%d: %s", printable(p.name), it.line, note))
			}
		}
	}
	return notes
}

// matchesNothing reports whether a pattern matches none of the names that are known.
func matchesNothing(key string, p pattern) bool {
	return !slices.ContainsFunc(knownNames()[key], func(name string) bool {
		return p.match(name) || key == "helper" && p.match(strings.TrimPrefix(name, "bpf_"))
	})
}

// Notes lists what is unusual about the requests and not wrong: kernel functions that this version
// does not know.
func (r *Requests) Notes() []string {
	if r == nil {
		return nil
	}
	var notes []string
	for _, it := range r.lists["kfunc"].items {
		if note := unknownFunction(it.text); note != "" {
			notes = append(notes, "request of "+note)
		}
	}
	return notes
}
