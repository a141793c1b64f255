package kernel

import (
	"fmt"
	"strings"
	"sync"

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

// optionOf returns the build option that a kernel takes for the feature; empty when none is known.
func optionOf(f spec.Feature) string {
	switch f.Kind {
	case spec.FeatureProgramType:
		return spec.ProgramType(f.Number).Option()
	case spec.FeatureMapType:
		return spec.MapType(f.Number).Option()
	case spec.FeatureAttachType:
		return attachProbes[spec.AttachType(f.Number)].option()
	case spec.FeatureLinkType:
		return linkProbes[spec.LinkType(f.Number)].option()
	}
	return ""
}

// capabilitiesOf lists what it takes to be told whether a kernel has the feature.
func capabilitiesOf(f spec.Feature) []string {
	switch f.Kind {
	case spec.FeatureProgramType:
		return spec.ProgramType(f.Number).Capabilities()
	case spec.FeatureMapType:
		return spec.MapType(f.Number).Capabilities()
	case spec.FeatureHelper, spec.FeatureKfunc:
		return f.Program.Capabilities()
	case spec.FeatureAttachType:
		return attachProbes[spec.AttachType(f.Number)].program.Capabilities()
	case spec.FeatureLinkType:
		return linkProbes[spec.LinkType(f.Number)].program.Capabilities()
	}
	return spec.ProgramSocketFilter.Capabilities()
}

// lackError says that the running kernel lacks a feature. Why is found when somebody asks: that may
// mean to read the kernel's configuration.
type lackError struct {
	k       *Kernel
	feature spec.Feature
	answer  error // the kernel's
	why     func() error
}

func newLackError(k *Kernel, f spec.Feature, answer error) *lackError {
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
	if option := optionOf(f); option != "" {
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
