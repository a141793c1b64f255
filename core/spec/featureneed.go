package spec

import (
	"cmp"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// FeatureNeed is a feature that collections use.
type FeatureNeed struct {
	Feature
	Users    []string // what of the collections uses it: "map heap", "program count"; each once, in order
	Optional bool     // they load on kernels without it
}

// FeaturesOf lists the features that several collections use, by kind and number, of whatever version:
// Requirements has those of them that are younger than Oldest. skipped is that of RequirementsOf; package
// lint has it, see lint.Features.
func FeaturesOf(skipped func(*Collection, *Program) Skipped, collections ...*Collection) []FeatureNeed {
	n, optional := newNeeds(), newNeeds()
	n.features, optional.features = &featureList{}, &featureList{}
	for _, c := range collections {
		n.collection(c, optional, skipped)
		if c.BTF != nil {
			for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
				if c.BTF.Features()&f != 0 { // kernels that do not know it get another
					optional.feature(BTFFeature(f), "types")
				}
			}
		}
	}
	all := n.features.list
	for _, o := range optional.features.list {
		if _, needed := n.features.at[o.Feature]; !needed {
			o.Optional = true
			all = append(all, o)
		}
	}
	slices.SortStableFunc(all, func(a, b FeatureNeed) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Program, b.Program), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// featureList gathers features without repeating them.
type featureList struct {
	list []FeatureNeed
	at   map[Feature]int // index in list
}

// feature notes that somebody uses a feature, where that is asked for.
func (n *needs) feature(f Feature, user string) {
	l := n.features
	if l == nil {
		return
	}
	i, ok := l.at[f]
	if !ok {
		if l.at == nil {
			l.at = make(map[Feature]int)
		}
		i = len(l.list)
		l.at[f] = i
		l.list = append(l.list, FeatureNeed{Feature: f})
	}
	if !slices.Contains(l.list[i].Users, user) {
		l.list[i].Users = append(l.list[i].Users, user)
	}
}

// programFeatures notes what loading a program takes, its code apart.
func (n *needs) programFeatures(p *Program, user string) {
	n.feature(p.Type.Feature(), user)
	if p.Type != ProgramStructOps && !p.Type.hookOnly() && (p.AttachType != 0 || p.Type == ProgramCgroupSkb) && p.AttachType != AttachTypeNone {
		n.feature(p.AttachType.Feature(), user)
	}
	for _, f := range AllProgramFlags() {
		if p.Flags&f != 0 {
			n.feature(f.Feature(), user)
		}
	}
}

// mapFeatures notes what creating a map takes.
func (n *needs) mapFeatures(m *Map, user string) {
	n.feature(m.Type.Feature(), user)
	for _, f := range AllMapFlags() {
		if m.Flags&f != 0 {
			n.feature(f.Feature(), user)
		}
	}
}

// attachFeatures notes what an attachment takes. Probes are attached without a link where there are
// none.
func (n *needs) attachFeatures(a Attach, c *Collection, optional *needs) {
	if n.features == nil {
		return
	}
	user, p := "program "+a.Program, c.Program(a.Program)
	for _, l := range a.Kind.Family().Links {
		switch {
		case l == LinkPerfEvent:
			optional.feature(l.Feature(), user)
			continue
		case a.Kind == HookTracing && p != nil && (p.AttachType == AttachTypeTraceRawTp) != (l == LinkRawTracepoint):
			continue
		}
		n.feature(l.Feature(), user)
	}
	if p != nil && p.Type.hookOnly() {
		n.hookFeature(p, user)
	}
}

// hookFeature notes the attach type of a program that kernels look at when they attach it.
func (n *needs) hookFeature(p *Program, user string) {
	if p.AttachType != 0 && p.AttachType != AttachTypeNone {
		n.feature(p.AttachType.Feature(), user)
	}
}

// insnFeature notes what an instruction takes.
func (n *needs) insnFeature(p *Program, in *asm.Insn, user string) {
	switch {
	case n.features == nil:
	case in.Op == asm.OpCall && in.Ref == asm.RefKfunc:
		n.feature(p.Type.CallsKfunc(in.Symbol), user)
	case in.Op == asm.OpCall && in.Ref == asm.RefNone && in.Src == 0:
		n.feature(p.Type.Calls(asm.Helper(in.Imm)), user)
	default:
		if isa, ok := isaOf(in); ok {
			n.feature(isa.Feature(), user)
		}
	}
}
