package kernel

import (
	"fmt"
	"strings"
	"sync"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TooOld returns a *FeatureError, which wraps err, for the first of the needs that the running kernel
// is known to be too old for. If there is none, it returns err as it is.
func (k *Kernel) TooOld(needs []spec.Requirement, err error) error {
	for _, n := range needs {
		if k.Before(n.Since) {
			return &FeatureError{Feature: n.What, MinKernel: n.Since.String(), Running: k.Running().String(), Err: err}
		}
	}
	return err
}

// FeatureKind is a kind of thing that kernels have or lack.
type FeatureKind uint8

// The kinds. What Feature.Number is says each.
const (
	FeatureProgramType FeatureKind = 1 + iota // spec.ProgramType
	FeatureMapType                            // spec.MapType
	FeatureLinkType                           // spec.LinkType
	FeatureAttachType                         // spec.AttachType
	FeatureHelper                             // asm.Helper, called by programs of Feature.Program
	FeatureKfunc                              // none: Feature.Name, called by programs of Feature.Program
	FeatureBTF                                // one btf.Feature
	FeatureISA                                // an index of ISALevels
	FeatureMapFlag                            // one spec.MapFlags
	FeatureProgramFlag                        // one spec.ProgramFlags
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

// Feature is one thing that kernels have or lack, see Kernel.Has.
type Feature struct {
	Kind    FeatureKind
	Number  uint32
	Program spec.ProgramType // of a helper or a kernel function: who calls it
	Name    string           // of a kernel function: "NAME" or "MODULE:NAME"
}

// ProgramType is the feature that there are programs of a type.
func ProgramType(t spec.ProgramType) Feature {
	return Feature{Kind: FeatureProgramType, Number: uint32(t)}
}

// MapType is the feature that there are maps of a type.
func MapType(t spec.MapType) Feature { return Feature{Kind: FeatureMapType, Number: uint32(t)} }

// LinkType is the feature that programs can be attached with links of a type.
func LinkType(t spec.LinkType) Feature { return Feature{Kind: FeatureLinkType, Number: uint32(t)} }

// AttachType is the feature that programs can be loaded for, or attached to, hooks of a type.
func AttachType(t spec.AttachType) Feature {
	return Feature{Kind: FeatureAttachType, Number: uint32(t)}
}

// HelperOf is the feature that programs of a type can call a helper.
func HelperOf(t spec.ProgramType, h asm.Helper) Feature {
	return Feature{Kind: FeatureHelper, Number: uint32(h), Program: t}
}

// KfuncOf is the feature that programs of a type can call a kernel function, "NAME" or "MODULE:NAME".
func KfuncOf(t spec.ProgramType, name string) Feature {
	return Feature{Kind: FeatureKfunc, Name: name, Program: t}
}

// BTFFeature is one feature of BTF.
func BTFFeature(f btf.Feature) Feature { return Feature{Kind: FeatureBTF, Number: uint32(f)} }

// MapFlag is one flag that maps are created with.
func MapFlag(f spec.MapFlags) Feature { return Feature{Kind: FeatureMapFlag, Number: uint32(f)} }

// ProgramFlag is one flag that programs are loaded with.
func ProgramFlag(f spec.ProgramFlags) Feature {
	return Feature{Kind: FeatureProgramFlag, Number: uint32(f)}
}

// String returns the name of the feature among those of its kind, "arena"; of helpers and kernel
// functions the type of program comes first, "xdp/bpf_loop".
func (f Feature) String() string {
	switch f.Kind {
	case FeatureProgramType:
		return spec.ProgramType(f.Number).String()
	case FeatureMapType:
		return spec.MapType(f.Number).String()
	case FeatureLinkType:
		return spec.LinkType(f.Number).String()
	case FeatureAttachType:
		return spec.AttachType(f.Number).String()
	case FeatureHelper:
		return f.Program.String() + "/" + asm.Helper(f.Number).String()
	case FeatureKfunc:
		return f.Program.String() + "/" + f.Name
	case FeatureBTF:
		return btf.Feature(f.Number).String()
	case FeatureISA:
		if int(f.Number) < len(isaLevels) {
			return isaLevels[f.Number].name
		}
	case FeatureMapFlag:
		return spec.MapFlags(f.Number).Names()
	case FeatureProgramFlag:
		return spec.ProgramFlags(f.Number).Names()
	}
	return fmt.Sprintf("%v %d", f.Kind, f.Number)
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

// Since returns the first version that has the feature by the tables of package spec; zero when Linux
// 5.10 has it, or when that is not known.
func (f Feature) Since() spec.Version {
	text := ""
	switch f.Kind {
	case FeatureProgramType:
		return spec.ProgramType(f.Number).Since()
	case FeatureMapType:
		return spec.MapType(f.Number).Since()
	case FeatureLinkType:
		return spec.LinkType(f.Number).Since()
	case FeatureAttachType:
		return spec.AttachType(f.Number).Since()
	case FeatureHelper:
		info, _ := asm.Helper(f.Number).Info()
		text = info.Since
	case FeatureKfunc:
		in := asm.CallKfunc(f.Name)
		_, v := spec.InsnSince(&in)
		return v
	case FeatureBTF:
		text = btf.Feature(f.Number).Since()
	case FeatureISA:
		if int(f.Number) < len(isaLevels) {
			return isaLevels[f.Number].since()
		}
	case FeatureMapFlag:
		return spec.MapFlags(f.Number).Since()
	case FeatureProgramFlag:
		return spec.ProgramFlags(f.Number).Since()
	}
	v, _ := spec.ParseVersion(text)
	if v.Compare(spec.Oldest) <= 0 {
		return spec.Version{}
	}
	return v
}

// option returns the build option that a kernel takes for the feature; empty when none is known.
func (f Feature) option() string {
	switch f.Kind {
	case FeatureProgramType:
		return spec.ProgramType(f.Number).Option()
	case FeatureMapType:
		return spec.MapType(f.Number).Option()
	case FeatureAttachType:
		return attachProbes[spec.AttachType(f.Number)].option()
	case FeatureLinkType:
		return linkProbes[spec.LinkType(f.Number)].option()
	}
	return ""
}

// capabilities lists what it takes to be told whether a kernel has the feature.
func (f Feature) capabilities() []string {
	switch f.Kind {
	case FeatureProgramType:
		return spec.ProgramType(f.Number).Capabilities()
	case FeatureMapType:
		return spec.MapType(f.Number).Capabilities()
	case FeatureHelper, FeatureKfunc:
		return f.Program.Capabilities()
	case FeatureAttachType:
		return attachProbes[spec.AttachType(f.Number)].program.Capabilities()
	case FeatureLinkType:
		return linkProbes[spec.LinkType(f.Number)].program.Capabilities()
	}
	return spec.ProgramSocketFilter.Capabilities()
}

// lackError says that the running kernel lacks a feature. Why is found when somebody asks: that may
// mean to read the kernel's configuration.
type lackError struct {
	k       *Kernel
	feature Feature
	answer  error // the kernel's
	why     func() error
}

func newLackError(k *Kernel, f Feature, answer error) *lackError {
	e := &lackError{k: k, feature: f, answer: answer}
	e.why = sync.OnceValue(e.find)
	return e
}

// find returns a *FeatureError, an *OptionError or what is known otherwise.
func (e *lackError) find() error {
	f := e.feature
	if err := e.k.TooOld([]spec.Requirement{{What: f.What(), Since: f.Since()}}, e.answer); err != e.answer {
		return err
	}
	if option := f.option(); option != "" {
		if err := e.k.NotBuilt(f.What(), option, e.answer); err != e.answer {
			return err
		}
	}
	return fmt.Errorf("%w: this kernel has no %s", ErrNotSupported, f.What())
}

// Error returns for example "arena maps need Linux 6.9, this is 6.1".
func (e *lackError) Error() string {
	return strings.TrimPrefix(e.why().Error(), ErrNotSupported.Error()+": ")
}

// Is finds ErrNotSupported without asking why.
func (e *lackError) Is(target error) bool { return target == ErrNotSupported }

// Unwrap returns why.
func (e *lackError) Unwrap() error { return e.why() }

// Features lists all features of the kinds that have a name, in the order of their numbers; of none all
// kinds but helpers and kernel functions, for which HelpersOf is.
func Features(kinds ...FeatureKind) []Feature {
	if len(kinds) == 0 {
		kinds = []FeatureKind{FeatureProgramType, FeatureMapType, FeatureLinkType, FeatureAttachType, FeatureBTF, FeatureISA, FeatureMapFlag, FeatureProgramFlag}
	}
	var all []Feature
	for _, k := range kinds {
		switch k {
		case FeatureProgramType:
			all = appendFeatures(all, spec.ProgramTypes()[1:], ProgramType)
		case FeatureMapType:
			all = appendFeatures(all, spec.MapTypes()[1:], MapType)
		case FeatureLinkType:
			all = appendFeatures(all, spec.LinkTypes()[1:], LinkType)
		case FeatureAttachType:
			all = appendFeatures(all, spec.AttachTypes(), AttachType)
		case FeatureBTF:
			for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
				all = append(all, BTFFeature(f))
			}
		case FeatureISA:
			all = append(all, ISALevels()...)
		case FeatureMapFlag:
			all = appendFeatures(all, spec.AllMapFlags(), MapFlag)
		case FeatureProgramFlag:
			all = appendFeatures(all, spec.AllProgramFlags(), ProgramFlag)
		}
	}
	return all
}

func appendFeatures[T any](all []Feature, list []T, feature func(T) Feature) []Feature {
	for _, v := range list {
		all = append(all, feature(v))
	}
	return all
}

// HelpersOf lists the features that programs of a type can call each of the helpers that have a name.
func HelpersOf(t spec.ProgramType) []Feature {
	var all []Feature
	for _, h := range asm.Helpers()[1:] {
		all = append(all, HelperOf(t, h))
	}
	return all
}
