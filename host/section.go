package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// maxSections bounds what a plugin declares.
const maxSections = 256

// declaredSection is a section while the plugin describes itself.
type declaredSection struct{ elf.SectionRule }

func (x *instance) declareSection(name string) (any, error) {
	switch {
	case slices.ContainsFunc(x.sections, func(s *declaredSection) bool { return s.Pattern == name }):
		return nil, failf(abi.ErrExist, "section %q is declared already", name)
	case strings.HasPrefix(name, "?") || name == "+":
		return nil, failf(abi.ErrInval, "%q is not a name of a section; one with a ? before it is declared without", name)
	case len(x.sections) >= maxSections:
		return nil, failf(abi.ErrLimit, "a plugin has at most %d sections", maxSections)
	}
	s := &declaredSection{elf.SectionRule{Pattern: name}}
	x.sections = append(x.sections, s)
	return s, nil
}

// describedSections takes over the sections that the plugin declared.
func (x *instance) describedSections() error {
	for _, s := range x.sections {
		if s.Type == spec.ProgramUnspec {
			return fmt.Errorf("section %q has no program type", s.Pattern)
		}
		out := Section{Name: s.Pattern, Type: s.Type.String(), Flags: uint32(s.Flags)}
		if s.Attach != 0 {
			out.AttachType = s.Attach.String()
		}
		x.info.Sections = append(x.info.Sections, out)
	}
	return nil
}

// objectOptions is how objects are read for the plugin: what libbpf would refuse is in the notes of
// the plan, and the plugin's own sections come after the host's, whose meaning they cannot change.
func (x *instance) objectOptions() elf.Options {
	o := elf.Options{Lenient: true}
	for _, s := range x.sections {
		o.Fallbacks = append(o.Fallbacks, s.SectionRule)
	}
	return o
}
