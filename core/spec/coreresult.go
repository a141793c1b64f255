package spec

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// CoreResult is what the CO-RE record of an instruction comes to for the types of a kernel.
type CoreResult struct {
	Program string
	Insn    int // number in Insns of the program
	btf.CoreResult
	// Err says why the relocation failed. It keeps the program from being loaded. The errors are those of btf.Resolve.
	Err error
}

// CoreResults computes what the CO-RE records of all programs come to, in order of place. The targets are those of
// btf.Resolve: the kernel first, then its modules. Nothing is changed; loading does that for the running kernel.
func (c *Collection) CoreResults(targets ...btf.Target) ([]CoreResult, error) {
	var list []CoreResult
	var relos []btf.CoreRelo
	for _, p := range c.Programs {
		for i, in := range p.Insns.All() {
			if r := in.Core; r != nil {
				list = append(list, CoreResult{Program: p.Name, Insn: i})
				relos = append(relos, *r)
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if c.BTF == nil {
		return nil, errors.New("compute CO-RE relocations: the collection has no types")
	}
	r := btf.NewResolver(c.BTF, targets...)
	r.Prepare(relos)
	for i, relo := range relos {
		list[i].CoreResult, list[i].Err = r.Resolve(relo)
	}
	return list, nil
}

// Outcome says in a few words what the record comes to: "1264 instead of 1192", "not there: …".
func (f CoreResult) Outcome() string {
	switch {
	case f.Err != nil:
		return "cannot be loaded: " + f.Err.Error()
	case f.Poison:
		return "not there: " + f.Reason
	case f.Reason != "":
		return fmt.Sprintf("%d: %s", int64(f.Value), f.Reason)
	}
	s := fmt.Sprint(int64(f.Value))
	if f.Value != f.Local {
		s += fmt.Sprintf(" instead of %d", int64(f.Local))
	}
	if f.LocalSize != f.TargetSize {
		s += fmt.Sprintf(", %d bytes instead of %d", f.TargetSize, f.LocalSize)
	}
	return s
}
