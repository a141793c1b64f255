package plan

import (
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Object is one collection of a plan.
type Object struct {
	Name    string
	Source  string            // file name of the operator's object; empty if the plugin built it
	SHA256  string            // of that file, in hex
	Before  *spec.Collection  // as the operator passed it; nil if the plugin built it
	After   *spec.Collection  // as it will be loaded; nil if the plugin left the object out
	Changes []spec.Change     // what makes After differ from Before
	Core    []spec.CoreResult // what the CO-RE relocations of what is loaded come to with the types given; nil without

	Pins map[string]Pin // of the maps that have one, by name

	Unfit []*spec.CheckError // what is wrong with optional parts of After, which are not loaded
}

// Complete fills in what follows from Before and After: Changes and, if types are given, Core. The
// error says that a relocation of a program that is loaded cannot be read.
func (o *Object) Complete(types *btf.Types) error {
	o.Changes, o.Core = nil, nil
	if o.After == nil {
		return nil
	}
	before := o.Before
	if before == nil {
		before = &spec.Collection{Order: o.After.Order}
	}
	o.Changes = spec.Diff(before, o.After)
	if types == nil {
		return nil
	}
	loaded := *o.After
	loaded.Programs = o.After.Select(o.After.Attached()).Programs
	var err error
	o.Core, err = loaded.CoreResults(btf.Target{Name: "the types given", Types: types})
	return err
}

// Edited reports whether the plugin changed an object of the operator. Attaching is not a change.
func (o *Object) Edited() bool {
	for _, ch := range o.Changes {
		if ch.Kind != spec.ObjectAttach {
			return o.Before != nil
		}
	}
	return false
}

// Wrote reports whether the plugin wrote an instruction of a program, by its index in After.
func (o *Object) Wrote(program string, insn int) bool {
	ch := o.change(spec.ObjectProgram, program)
	if ch == nil {
		return false
	}
	for _, h := range ch.Hunks {
		for _, l := range h.Lines {
			if l.Op == '+' && l.New == insn {
				return true
			}
		}
	}
	return false
}

// change finds what happened to a thing, nil for one that is as in the operator's object.
func (o *Object) change(kind spec.ObjectKind, name string) *spec.Change {
	for i := range o.Changes {
		if ch := &o.Changes[i]; ch.Kind == kind && ch.Name == name && ch.Op != spec.ChangeRemove {
			return ch
		}
	}
	return nil
}

// lookup is an object whose parts are found by name at once, for who writes all of them.
type lookup struct {
	*Object
	changes       map[thing]*spec.Change // of what is in After
	before, after *spec.Index            // nil where the object has none
}

// thing names a part of an object.
type thing struct {
	kind spec.ObjectKind
	name string
}

func newLookup(o *Object) *lookup {
	l := &lookup{Object: o, changes: make(map[thing]*spec.Change, len(o.Changes))}
	for i := range o.Changes {
		ch := &o.Changes[i]
		if t := (thing{ch.Kind, ch.Name}); ch.Op != spec.ChangeRemove && l.changes[t] == nil {
			l.changes[t] = ch
		}
	}
	if o.Before != nil {
		l.before = spec.NewIndex(o.Before)
	}
	if o.After != nil {
		l.after = spec.NewIndex(o.After)
	}
	return l
}

// change is that of the object.
func (l *lookup) change(kind spec.ObjectKind, name string) *spec.Change {
	return l.changes[thing{kind, name}]
}

// changed says in a word what happened to a thing: "add", "change" or nothing.
func (l *lookup) changed(kind spec.ObjectKind, name string) string {
	if ch := l.change(kind, name); ch != nil {
		return ch.Op.String()
	}
	return ""
}

// AttachText names an attachment: kind, target, and the namespace where that is not the host's own.
func AttachText(a spec.Attach) string {
	s := a.Kind.String()
	if a.Target != "" {
		s += ":" + a.Target
	}
	if a.Netns != "" {
		s += " in " + a.Netns
	}
	return s
}

// direction returns the way of packets that an attachment to traffic control is for, "ingress" or
// "egress"; it is empty for others.
func direction(c *spec.Index, a spec.Attach) string {
	p := c.Program(a.Program)
	switch {
	case p == nil || a.Kind != spec.HookTCX:
		return ""
	case p.AttachType == spec.AttachTypeTCXEgress:
		return "egress"
	}
	return "ingress"
}

// resolved returns an attachment as it takes effect. One that is not complete is shown as it is; it
// is refused anyway.
func resolved(c *spec.Index, a spec.Attach) spec.Attach {
	p := c.Program(a.Program)
	if p == nil {
		return a
	}
	if t, err := spec.ResolveTarget(p, a); err == nil {
		a.Target, a.Netns = t.String(), ""
		if t.Interface != "" {
			a.Netns = t.Netns
		}
	}
	return a
}

// BaseName returns the last part of a path of any system.
func BaseName(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }
