package guest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/plan"
)

// maxSections bounds what a plugin declares.
const maxSections = 256

// declaredSection is a section while the plugin describes itself.
type declaredSection struct{ elf.SectionRule }

func (d *declarations) addSection(name string) (any, error) {
	switch {
	case slices.ContainsFunc(d.sections, func(s *declaredSection) bool { return s.Pattern == name }):
		return nil, failf(abi.ErrExist, "section %q is declared already", name)
	case strings.HasPrefix(name, "?") || name == "+":
		return nil, failf(abi.ErrInval, "%q is not a name of a section; one with a ? before it is declared without", name)
	case len(d.sections) >= maxSections:
		return nil, budget.TooMany("sections", len(d.sections)+1, maxSections, "")
	}
	s := &declaredSection{elf.SectionRule{Pattern: name}}
	d.sections = append(d.sections, s)
	return s, nil
}

// describeSections puts the sections into what is known of the plugin.
func (d *declarations) describeSections(info *plan.Info) error {
	for _, s := range d.sections {
		if s.Type == spec.ProgramUnspec {
			return fmt.Errorf("section %q has no program type", s.Pattern)
		}
		out := plan.Section{Name: s.Pattern, Type: s.Type.String(), Flags: uint32(s.Flags)}
		if s.Attach != 0 {
			out.AttachType = s.Attach.String()
		}
		info.Sections = append(info.Sections, out)
	}
	return nil
}

// objectOptions is how objects with so many bytes of data are read for the plugin, see
// Instance.ObjectOptions.
func (d *declarations) objectOptions(maxData uint64) elf.Options {
	o := elf.Options{Lenient: true, MaxData: maxData, MaxFile: max(256<<20, 2*maxData)}
	for _, s := range d.sections {
		o.Fallbacks = append(o.Fallbacks, s.SectionRule)
	}
	return o
}
