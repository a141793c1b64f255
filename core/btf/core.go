package btf

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons for which a CO-RE relocation cannot be computed at all. A type or field that the target does
// not have is none of them: that gives a Fixup with Poison set.
var (
	ErrAccess    = errors.New("access string is wrong")
	ErrAmbiguous = errors.New("candidates disagree")
	ErrCoreKind  = errors.New("kind of CO-RE relocation is unknown")
)

// Target is a table in which the types of a running kernel are looked up.
type Target struct {
	Name  string // for messages: "vmlinux" or the name of a module
	Types *Types
}

// Fixup is the outcome of one CO-RE relocation. The caller puts it into the instruction.
type Fixup struct {
	Relo  CoreRelo
	Value uint64 // what the instruction must hold
	Local uint64 // what the compiler made it hold

	// Poison says that there is no value, so the instruction must not be reached. Reason says why. Questions of
	// existence, and those about the id or the size of a type, have 0 for what is not there instead.
	Poison bool
	// Validate says that the instruction must hold Local before it is patched. It is false where
	// compilers and linkers are free, as for bit-fields and type ids.
	Validate bool

	// LocalSize and TargetSize are set for the offset of a field that is no bit-field: how many bytes
	// the field takes, or an element of it if it is an array. Where they differ, a load or store must become as wide as TargetSize,
	// unless NoResize says that this would give another value: then it must be poisoned.
	LocalSize, TargetSize uint32
	NoResize              bool

	Target int    // which of the targets the value is from; -1 for none
	Type   ID     // the root type in that target; for CoreTypeIDLocal in the program's own BTF
	Reason string // why Poison is set, or why the answer is that there is no such thing
	Found  []Candidate

	local *Types // of the program
}

// Text says what is asked for: "byte_off struct task_struct.pid".
func (f Fixup) Text() string {
	if f.local == nil {
		return f.Relo.Kind.String()
	}
	var a access
	if err := a.read(f.local, &f.Relo); err != nil {
		return fmt.Sprintf("%v of type %d (%.64q)", f.Relo.Kind, f.Relo.Type, f.Relo.Access)
	}
	return f.Relo.Kind.String() + " " + a.String()
}

// Candidate is a type of a target that has the right name, and what it would give.
type Candidate struct {
	Target int // which of the targets
	Type   ID
	Match  bool   // it has what is asked for
	Value  uint64 // when it matches
}

// Resolve computes one CO-RE relocation of a program whose types are local. Types are looked up in the
// first target; only if that has none of the right name and kind, in all the others. Names are
// compared without their flavor (see Essential). All types that match must give the same
// value, otherwise the error wraps ErrAmbiguous and lists them. A Resolver does this for many relocations.
func Resolve(local *Types, r CoreRelo, targets ...Target) (Fixup, error) {
	one := Resolver{local: local, targets: targets, first: firstOwners(targets)}
	return one.resolve(r)
}

// resolve computes one relocation, whatever is remembered of others like it.
func (r *Resolver) resolve(relo CoreRelo) (Fixup, error) {
	f := Fixup{Relo: relo, Target: -1, local: r.local}
	if err := r.compute(&f); err != nil {
		return f, fmt.Errorf("resolve %s: %w", f.Text(), err)
	}
	return f, nil
}

// compute fills in a fixup.
func (r *Resolver) compute(f *Fixup) error {
	relo, local := &f.Relo, &r.from
	if err := local.read(r.local, relo); err != nil {
		return err
	}
	if relo.Kind == CoreTypeIDLocal {
		f.Value, f.Local, f.Type = uint64(relo.Type), uint64(relo.Type), relo.Type
		return nil
	}
	cands, ok := r.candidates(relo.Type)
	if !ok {
		return fmt.Errorf("%w: the type has no name to look for", ErrAccess)
	}
	want, err := local.value(relo.Kind)
	if err != nil {
		return err
	}
	f.Local, f.Validate = want.value, want.validate
	if err := r.choose(f, local, want, cands); err != nil || f.Target >= 0 {
		return err
	}
	f.Value, f.Poison = 0, !relo.Kind.zero()
	f.Reason = r.reason(f, local)
	return nil
}

// choose compares the candidates, of which it fills in what they give, and takes the value that all matching ones give.
func (r *Resolver) choose(f *Fixup, local *access, want coreValue, cands []Candidate) error {
	var chosen coreValue
	chosenBits, disagree := uint64(0), false
	for i := range cands {
		c, got := &cands[i], &r.to
		f.Found = cands[:i]
		ok, err := got.match(local, r.targets[c.Target].Types, c.Type, f.Relo.Kind)
		if err != nil {
			return fmt.Errorf("candidate %d in %s: %w", c.Type, r.targets[c.Target].Name, err)
		}
		if c.Match = ok; !ok {
			continue
		}
		v, err := got.value(f.Relo.Kind)
		if err != nil {
			return fmt.Errorf("candidate %d in %s: %w", c.Type, r.targets[c.Target].Name, err)
		}
		c.Value = v.value
		switch {
		case f.Target < 0:
			chosen, chosenBits = v, got.bits
			f.Target, f.Type, f.Value = c.Target, c.Type, v.value
		case v.value != chosen.value || v.size != chosen.size || got.bits != chosenBits && f.Relo.Kind.Field():
			disagree = true
		}
	}
	f.Found = cands
	if disagree {
		return r.ambiguity(f, local)
	}
	if f.Target >= 0 && f.Relo.Kind == CoreByteOffset {
		f.LocalSize, f.TargetSize = want.size, chosen.size
		f.NoResize = want.size != chosen.size && !want.resizes(chosen)
	}
	return nil
}

// ambiguity lists what the candidates give. Fields may give the same and yet be at different places.
func (r *Resolver) ambiguity(f *Fixup, local *access) error {
	var b strings.Builder
	n := 0
	for _, c := range f.Found {
		if !c.Match {
			continue
		}
		if n++; n > 8 {
			b.WriteString(", ...")
			break
		}
		if n > 1 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "type %d in %s gives %d", c.Type, r.targets[c.Target].Name, c.Value)
		if !f.Relo.Kind.Field() {
			continue
		}
		if ok, err := r.to.match(local, r.targets[c.Target].Types, c.Type, f.Relo.Kind); err == nil && ok {
			b.WriteString(" (" + r.to.place() + ")")
		}
	}
	f.Target, f.Type, f.Value = -1, 0, 0
	return fmt.Errorf("%w: %s", ErrAmbiguous, b.String())
}

// reason says why no candidate was chosen.
func (r *Resolver) reason(f *Fixup, local *access) string {
	where := make([]string, 0, len(r.targets))
	for _, t := range r.targets {
		where = append(where, t.Name)
	}
	in := strings.Join(where, ", ")
	if len(where) > 4 {
		in = fmt.Sprintf("%s and %d more", strings.Join(where[:4], ", "), len(where)-4)
	}
	root := r.local.TypeName(f.Relo.Type)
	switch {
	case len(f.Found) == 0:
		return fmt.Sprintf("no %s in %s", root, in)
	case f.Relo.Kind.Field() || f.Relo.Kind.Enumval():
		return fmt.Sprintf("%s in %s has no %s that fits", root, r.targets[f.Found[0].Target].Name, local.last())
	}
	return fmt.Sprintf("%s in %s is of another shape", root, r.targets[f.Found[0].Target].Name)
}
