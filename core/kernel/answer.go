package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// answers are what the kernel was asked and said for certain.
type answers struct {
	mu sync.Mutex
	of map[spec.Feature]error
}

// get returns what is known of a feature.
func (a *answers) get(f spec.Feature) (answer error, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, known = a.of[f]
	return answer, known
}

// put keeps an answer.
func (a *answers) put(f spec.Feature, answer error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[spec.Feature]error)
	}
	a.of[f] = answer
}

// Has asks the kernel whether it has a feature, by making or loading the smallest thing that takes
// it; nothing is attached and nothing stays. It returns nil when the kernel has it, and an error that
// wraps ErrNotSupported when it lacks it: a *FeatureError, an *OptionError, or neither when the cause is
// not known. Any other error means that it could not be found out, ErrPermission for instance. The
// kernel is asked once, unless that error is of the last kind.
func (k *Kernel) Has(f spec.Feature) error {
	if answer, known := k.answers.get(f); known {
		return answer
	}
	err := ask(k, f)
	if errors.Is(err, sys.EPERM) && k.ChargesMemlock() && sys.RaiseMemlock() == nil {
		err = ask(k, f)
	}
	var lack absent
	switch {
	case err == nil:
	case errors.As(err, &lack):
		err = newLackError(k, f, lack.answer)
	default:
		return fmt.Errorf("ask kernel for %s: %w", f.What(), k.ExplainCharged(err, capabilitiesOf(f)...))
	}
	k.answers.put(f, err)
	return err
}

// HasAll asks for several features, on all processors. The answers are in the order of the
// features, and those of Has.
func (k *Kernel) HasAll(features []spec.Feature) []error {
	out := make([]error, len(features))
	workers := min(runtime.GOMAXPROCS(0), len(features)/4+1)
	if workers == 1 {
		for i, f := range features {
			out[i] = k.Has(f)
		}
		return out
	}
	var g sync.WaitGroup
	for w := range workers {
		g.Go(func() {
			for i := w; i < len(features); i += workers {
				out[i] = k.Has(features[i])
			}
		})
	}
	g.Wait()
	return out
}

// absent is the answer of a kernel that does not have what it was asked for.
type absent struct{ answer error }

func (a absent) Error() string { return a.answer.Error() }

// lacks makes an answer absent if it is one of the numbers. Others are returned as they are.
func lacks(err error, numbers ...sys.Errno) error {
	for _, n := range numbers {
		if errors.Is(err, n) {
			return absent{err}
		}
	}
	return err
}

// ask finds out whether the kernel has a feature: nil, absent, or why that is not known.
func ask(k *Kernel, f spec.Feature) error {
	switch f.Kind {
	case spec.FeatureProgramType:
		return askProgramType(spec.ProgramType(f.Number))
	case spec.FeatureMapType:
		return askMapType(spec.MapType(f.Number), 0)
	case spec.FeatureMapFlag:
		return askMapFlag(spec.MapFlags(f.Number))
	case spec.FeatureProgramFlag:
		return askProgramFlag(spec.ProgramFlags(f.Number))
	case spec.FeatureAttachType:
		p, ok := attachProbes[spec.AttachType(f.Number)]
		if !ok {
			return errUnknown
		}
		return p.askFor(spec.AttachType(f.Number))
	case spec.FeatureLinkType:
		p, ok := linkProbes[spec.LinkType(f.Number)]
		if !ok {
			return errUnknown
		}
		return p.askFor(p.attach)
	case spec.FeatureHelper:
		return askHelper(k, f.Program, asm.Helper(f.Number))
	case spec.FeatureKfunc:
		return askKfunc(k, f.Program, f.Name)
	case spec.FeatureBTF:
		return askBTF(btf.Feature(f.Number))
	case spec.FeatureISA:
		return askISA(spec.ISA(f.Number))
	}
	return errUnknown
}

// errUnknown says that bpfhost knows no way to ask for a feature.
var errUnknown = errors.New("it is not known how to ask for it")

// askBTF loads a blob that only kernels with the feature accept.
func askBTF(f btf.Feature) error {
	b := f.Probe(native)
	if b == nil {
		return errUnknown
	}
	return lacks(loadTypes(b), sys.EINVAL, sys.E2BIG)
}
