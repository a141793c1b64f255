package btf

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons for which a CO-RE relocation cannot be computed at all. A type or field that the target
// does not have is none of them: the CoreResult then has Poison set.
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

// CoreResult is the outcome of one CO-RE relocation. The caller puts it into the instruction.
type CoreResult struct {
	Relo  CoreRelo
	Value uint64 // what the instruction must hold
	Local uint64 // what the compiler made it hold

	// Poison says that there is no value, so the instruction must not be reached. Reason says why.
	// Relocations for existence, and for the id or the size of a type, have 0 for what is not there
	// instead.
	Poison bool
	// Validate says that the instruction must hold Local before it is patched. It is false where
	// compilers and linkers are free, as for bit-fields and type ids.
	Validate bool

	// LocalSize and TargetSize are set for the offset of a field that is not a bit-field: how many
	// bytes the field takes, or an element of it if it is an array. Where they differ, a load or
	// store must become as wide as TargetSize, unless NoResize says that this would read another
	// value: then it must be poisoned.
	LocalSize, TargetSize uint32
	NoResize              bool

	Target int    // which of the targets the value is from; -1 for none
	Type   ID     // the root type in that target; for CoreTypeIDLocal in the program's own BTF
	Reason string // why Poison is set, or why the result is that it does not exist
	Found  []Candidate

	local *Types // of the program
}

// Text says what is asked for: "byte_off struct task_struct.pid".
func (f CoreResult) Text() string {
	if f.local == nil {
		return f.Relo.Kind.String()
	}
	var a access
	if err := a.read(f.local, &f.Relo); err != nil {
		return fmt.Sprintf("%v of type %d (%.64q)", f.Relo.Kind, f.Relo.Type, f.Relo.Access)
	}
	return f.Relo.Kind.String() + " " + a.String()
}

// Candidate is a type of a target that has the right name, and its result.
type Candidate struct {
	Target int // which of the targets
	Type   ID
	Match  bool   // it has what is asked for
	Value  uint64 // when it matches
}

// Resolve computes one CO-RE relocation of a program whose types are local. Types are looked up in
// the first target; only if that has none of the right name and kind, in all the others. Names are
// compared without their flavor (see Essential). All types that match must have the same value,
// otherwise the error wraps ErrAmbiguous and lists them. A Resolver does this for many relocations.
func Resolve(local *Types, relo CoreRelo, targets ...Target) (f CoreResult, err error) {
	r := Resolver{local: local, targets: targets, first: firstOwners(targets)}
	l, err := local.localSpec(&relo)
	if err != nil {
		return r.refuse(relo, err)
	}
	res := result{local: l, target: -1}
	err = r.compute(&res)
	res.put(&f, local)
	return f, f.failed(err)
}

// result is what was computed for a local spec: what a CoreResult has besides that.
type result struct {
	local    *localSpec
	value    uint64
	found    []Candidate
	reason   *string // nil for none
	target   int32   // -1 for none
	typ      ID
	size     uint32 // of what is accessed in the target
	poison   bool
	noResize bool
}

// put makes a CoreResult of a result and its local spec.
func (res *result) put(f *CoreResult, local *Types) {
	l := res.local
	f.Relo, f.Local, f.Validate = l.relo, l.localValue.value, l.localValue.validate
	f.Value, f.Poison, f.NoResize = res.value, res.poison, res.noResize
	f.Target, f.Type, f.Found, f.local = int(res.target), res.typ, res.found, local
	if res.reason != nil {
		f.Reason = *res.reason
	}
	if res.target >= 0 && l.relo.Kind == CoreByteOffset {
		f.LocalSize, f.TargetSize = l.localValue.size, res.size
	}
}

// failed says what an error is about.
func (f *CoreResult) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("resolve %s: %w", f.Text(), err)
}

// refuse is the outcome for a relocation that is malformed.
func (r *Resolver) refuse(relo CoreRelo, err error) (CoreResult, error) {
	f := CoreResult{Relo: relo, Target: -1, local: r.local}
	return f, f.failed(err)
}

// compute fills in the result of one relocation, whatever is cached of others like it. Only the
// local spec is known yet.
func (r *Resolver) compute(res *result) error {
	l := res.local
	if l.relo.Kind == CoreTypeIDLocal {
		res.value, res.typ = uint64(l.relo.Type), l.relo.Type
		return nil
	}
	res.found = r.candidates(l)
	if r.own {
		res.found = r.local.ownCandidates(res.found, l)
	}
	switch err := r.choose(res); {
	case err != nil:
		res.value, res.target, res.typ = 0, -1, 0
		return err
	case res.target < 0:
		res.poison = !l.relo.Kind.zero()
		why := r.reason(res)
		res.reason = &why
	}
	return nil
}

// choose compares the candidates, fills in their results, and takes the value that all matching
// ones share.
func (r *Resolver) choose(res *result) error {
	l := res.local
	var chosen coreValue
	chosenBits, disagree := uint64(0), false
	for i := range res.found {
		c := &res.found[i]
		got := accessSpec{types: r.targets[c.Target].Types, root: c.Type}
		ok, err := got.match(l)
		if c.Match, c.Value = ok, 0; err == nil && !ok {
			continue
		}
		var v coreValue
		if err == nil {
			v, err = got.value(l.relo.Kind)
		}
		if err != nil {
			res.found = res.found[:i]
			return fmt.Errorf("candidate %d in %s: %w", c.Type, r.targets[c.Target].Name, err)
		}
		c.Value = v.value
		switch {
		case res.target < 0:
			chosen, chosenBits = v, got.bits
			res.target, res.typ, res.value, res.size = int32(c.Target), c.Type, v.value, v.size
		case v.value != chosen.value || v.size != chosen.size || got.bits != chosenBits && l.relo.Kind.Field():
			disagree = true
		}
	}
	if disagree {
		return r.ambiguity(res)
	}
	res.noResize = l.relo.Kind == CoreByteOffset && res.target >= 0 && l.localValue.size != chosen.size && !l.localValue.resizes(chosen)
	return nil
}

// ambiguity lists the results of the candidates. Fields may have the same value and yet be at
// different offsets.
func (r *Resolver) ambiguity(res *result) error {
	var b strings.Builder
	n := 0
	for _, c := range res.found {
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
		fmt.Fprintf(&b, "type %d in %s resolves to %d", c.Type, r.targets[c.Target].Name, c.Value)
		if !res.local.relo.Kind.Field() {
			continue
		}
		s := accessSpec{types: r.targets[c.Target].Types, root: c.Type}
		if ok, err := s.match(res.local); err == nil && ok {
			b.WriteString(" (" + s.location() + ")")
		}
	}
	return fmt.Errorf("%w: %s", ErrAmbiguous, b.String())
}

// reason says why no candidate was chosen.
func (r *Resolver) reason(res *result) string {
	where := make([]string, 0, len(r.targets))
	for _, t := range r.targets {
		where = append(where, t.Name)
	}
	in := strings.Join(where, ", ")
	if len(where) > 4 {
		in = fmt.Sprintf("%s and %d more", strings.Join(where[:4], ", "), len(where)-4)
	}
	l := res.local
	root := r.local.TypeName(l.relo.Type)
	switch {
	case len(res.found) == 0:
		return fmt.Sprintf("no %s in %s", root, in)
	case l.relo.Kind.Field() || l.relo.Kind.Enumval():
		return fmt.Sprintf("%s in %s has no %s that fits", root, r.targets[res.found[0].Target].Name, l.access.lastName())
	}
	return fmt.Sprintf("%s in %s does not match", root, r.targets[res.found[0].Target].Name)
}
