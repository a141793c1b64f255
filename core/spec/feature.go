package spec

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// FeatureKind is a kind of thing that kernels have or lack.
type FeatureKind uint8

// The kinds. What Feature.Number is says each.
const (
	FeatureProgramType FeatureKind = 1 + iota // ProgramType
	FeatureMapType                            // MapType
	FeatureLinkType                           // LinkType
	FeatureAttachType                         // AttachType
	FeatureHelper                             // asm.Helper, called by programs of Feature.Program
	FeatureKfunc                              // none: Feature.Name, called by programs of Feature.Program
	FeatureBTF                                // one btf.Feature
	FeatureISA                                // ISA
	FeatureMapFlag                            // one MapFlags
	FeatureProgramFlag                        // one ProgramFlags
)

// featureKindNames is indexed by FeatureKind.
var featureKindNames = [...]string{"", "program_type", "map_type", "link_type", "attach_type", "helper", "kfunc", "btf", "isa", "map_flag", "program_flag"}

// String returns "program_type", "map_type", "link_type", "attach_type", "helper", "kfunc", "btf",
// "isa", "map_flag" or "program_flag".
func (k FeatureKind) String() string {
	if int(k) < len(featureKindNames) && k > 0 {
		return featureKindNames[k]
	}
	return fmt.Sprintf("feature kind %d", uint8(k))
}

// Feature is one thing that kernels have or lack, see kernel.Kernel.Has.
type Feature struct {
	Kind    FeatureKind
	Number  uint32
	Program ProgramType // of a helper or a kernel function: who calls it
	Name    string      // of a kernel function: "NAME" or "MODULE:NAME"
}

// Feature is the feature that there are programs of the type.
func (p ProgramType) Feature() Feature { return Feature{Kind: FeatureProgramType, Number: uint32(p)} }

// Calls is the feature that programs of the type can call a helper.
func (p ProgramType) Calls(h asm.Helper) Feature {
	return Feature{Kind: FeatureHelper, Number: uint32(h), Program: p}
}

// CallsKfunc is the feature that programs of the type can call a kernel function, "NAME" or
// "MODULE:NAME".
func (p ProgramType) CallsKfunc(name string) Feature {
	return Feature{Kind: FeatureKfunc, Name: name, Program: p}
}

// Feature is the feature that there are maps of the type.
func (m MapType) Feature() Feature { return Feature{Kind: FeatureMapType, Number: uint32(m)} }

// Feature is the feature that programs can be attached with links of the type.
func (l LinkType) Feature() Feature { return Feature{Kind: FeatureLinkType, Number: uint32(l)} }

// Feature is the feature that programs can be loaded for, or attached to, hooks of the type.
func (a AttachType) Feature() Feature { return Feature{Kind: FeatureAttachType, Number: uint32(a)} }

// Feature is the feature that maps can be created with a flag. It is for one.
func (f MapFlags) Feature() Feature { return Feature{Kind: FeatureMapFlag, Number: uint32(f)} }

// Feature is the feature that programs can be loaded with a flag. It is for one.
func (f ProgramFlags) Feature() Feature { return Feature{Kind: FeatureProgramFlag, Number: uint32(f)} }

// BTFFeature is one feature of BTF.
func BTFFeature(f btf.Feature) Feature { return Feature{Kind: FeatureBTF, Number: uint32(f)} }

// String returns the name of the feature among those of its kind, "arena"; of helpers and kernel
// functions the type of program comes first, "xdp/bpf_loop".
func (f Feature) String() string {
	switch f.Kind {
	case FeatureProgramType:
		return ProgramType(f.Number).String()
	case FeatureMapType:
		return MapType(f.Number).String()
	case FeatureLinkType:
		return LinkType(f.Number).String()
	case FeatureAttachType:
		return AttachType(f.Number).String()
	case FeatureHelper:
		return f.Program.String() + "/" + asm.Helper(f.Number).String()
	case FeatureKfunc:
		return f.Program.String() + "/" + f.Name
	case FeatureBTF:
		return btf.Feature(f.Number).String()
	case FeatureISA:
		return ISA(f.Number).String()
	case FeatureMapFlag:
		return MapFlags(f.Number).Names()
	case FeatureProgramFlag:
		return ProgramFlags(f.Number).Names()
	}
	return fmt.Sprintf("%v %d", f.Kind, f.Number)
}

// Callee returns the name of the helper or kernel function that is called, "bpf_loop"; empty for other
// features.
func (f Feature) Callee() string {
	switch f.Kind {
	case FeatureHelper:
		return asm.Helper(f.Number).String()
	case FeatureKfunc:
		return f.Name
	}
	return ""
}

// What names the feature in the plural, as requirements do: "arena maps", "calls of bpf_loop by xdp
// programs".
func (f Feature) What() string {
	switch f.Kind {
	case FeatureProgramType:
		return f.String() + " programs"
	case FeatureMapType:
		return f.String() + " maps"
	case FeatureLinkType:
		return f.String() + " links"
	case FeatureAttachType:
		return f.String() + " hooks"
	case FeatureHelper:
		return fmt.Sprintf("calls of %v by %v programs", asm.Helper(f.Number), f.Program)
	case FeatureKfunc:
		return fmt.Sprintf("calls of kernel function %s by %v programs", f.Name, f.Program)
	case FeatureBTF:
		return f.String() + " in BTF"
	case FeatureISA:
		return f.String() + " instructions"
	case FeatureMapFlag:
		return "maps with flag " + f.String()
	case FeatureProgramFlag:
		return "programs with flag " + f.String()
	}
	return f.String()
}

// Since returns the first version that has the feature; zero when Linux
// 5.10 has it, or when that is not known.
func (f Feature) Since() Version {
	text := ""
	switch f.Kind {
	case FeatureProgramType:
		return ProgramType(f.Number).Since()
	case FeatureMapType:
		return MapType(f.Number).Since()
	case FeatureLinkType:
		return LinkType(f.Number).Since()
	case FeatureAttachType:
		return AttachType(f.Number).Since()
	case FeatureHelper:
		info, _ := asm.Helper(f.Number).Info()
		text = info.Since
	case FeatureKfunc:
		in := asm.CallKfunc(f.Name)
		_, since := InsnSince(&in)
		return since
	case FeatureBTF:
		text = btf.Feature(f.Number).Since()
	case FeatureISA:
		return ISA(f.Number).Since()
	case FeatureMapFlag:
		return MapFlags(f.Number).Since()
	case FeatureProgramFlag:
		return ProgramFlags(f.Number).Since()
	}
	v, _ := ParseVersion(text)
	if v.Compare(Oldest) <= 0 {
		return Version{}
	}
	return v
}

// Features lists all features of the kinds that have a name, in the order of their numbers; of none all
// kinds but helpers and kernel functions, for which CallsAll is.
func Features(kinds ...FeatureKind) []Feature {
	if len(kinds) == 0 {
		kinds = []FeatureKind{FeatureProgramType, FeatureMapType, FeatureLinkType, FeatureAttachType, FeatureBTF, FeatureISA, FeatureMapFlag, FeatureProgramFlag}
	}
	var all []Feature
	for _, k := range kinds {
		switch k {
		case FeatureProgramType:
			all = appendFeatures(all, ProgramTypes()[1:])
		case FeatureMapType:
			all = appendFeatures(all, MapTypes()[1:])
		case FeatureLinkType:
			all = appendFeatures(all, LinkTypes()[1:])
		case FeatureAttachType:
			all = appendFeatures(all, AttachTypes())
		case FeatureBTF:
			for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
				all = append(all, BTFFeature(f))
			}
		case FeatureISA:
			all = appendFeatures(all, ISAs())
		case FeatureMapFlag:
			all = appendFeatures(all, AllMapFlags())
		case FeatureProgramFlag:
			all = appendFeatures(all, AllProgramFlags())
		}
	}
	return all
}

func appendFeatures[T interface{ Feature() Feature }](all []Feature, list []T) []Feature {
	for _, v := range list {
		all = append(all, v.Feature())
	}
	return all
}

// CallsAll lists the features that programs of the type can call each of the helpers that have a name.
func (p ProgramType) CallsAll() []Feature {
	var all []Feature
	for _, h := range asm.Helpers()[1:] {
		all = append(all, p.Calls(h))
	}
	return all
}
