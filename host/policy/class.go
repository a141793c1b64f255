package policy

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// Class is how deep into the system a plugin may reach. It is an allow-list and only takes away:
// what nobody put into a class is in none of them.
type Class uint8

// The classes, from the widest to the narrowest. Each contains those after it.
const (
	ClassAny     Class = iota // no class: the lists of the policy alone decide
	ClassEnforce              // may also deny, override and signal
	ClassMutate               // may also change packets, sockets and data
	ClassObserve              // may only look
)

// classWords is indexed by Class.
var classWords = [...]string{"any", "enforce", "mutate", "observe"}

// Classes returns the classes that a policy can name, from the narrowest to the widest.
func Classes() []Class { return []Class{ClassObserve, ClassMutate, ClassEnforce} }

// ParseClass returns the class of that name, which ClassAny has not.
func ParseClass(word string) (Class, bool) {
	i := slices.Index(classWords[1:], word)
	return Class(i + 1), i >= 0
}

// String returns the word of the class.
func (c Class) String() string {
	if int(c) < len(classWords) {
		return classWords[c]
	}
	return "unknown"
}

//go:embed classes.txt
var classesText string

// ClassKind is what the names of a class are about.
type ClassKind string

// The kinds of names that classes consist of.
const (
	ClassProgram ClassKind = "program" // program types
	ClassHook    ClassKind = "hook"    // families of hooks
	ClassRight   ClassKind = "right"   // the Right constants
	ClassHelper  ClassKind = "helper"  // helper functions
	ClassKfunc   ClassKind = "kfunc"   // kernel functions
)

// ClassKinds returns the kinds in the order in which a class is shown.
func ClassKinds() []ClassKind {
	return []ClassKind{ClassProgram, ClassHook, ClassRight, ClassHelper, ClassKfunc}
}

// className is a name with its kind.
type className struct {
	kind ClassKind
	name string
}

// classRow is what is known of a name.
type classRow struct {
	class Class // the narrowest that contains it
	reach Reach
}

// classTable has a row for every classified name.
var classTable = sync.OnceValue(func() map[className]classRow {
	table := map[className]classRow{}
	for line := range strings.Lines(classesText) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] == "#" {
			continue
		}
		class, _ := ParseClass(fields[0]) // a test reads every word
		kind, reach, _ := strings.Cut(fields[1], "/")
		for _, name := range fields[2:] {
			table[className{ClassKind(kind), name}] = classRow{class, Reach(reach)}
		}
	}
	return table
})

// Names returns the names of a kind that the class contains, in alphabetical order; nothing for
// ClassAny, which has no list.
func (c Class) Names(kind ClassKind) []string {
	var names []string
	for n, row := range classTable() {
		if n.kind == kind && c != ClassAny && row.class >= c {
			names = append(names, n.name)
		}
	}
	slices.Sort(names)
	return names
}

// NarrowestClass returns the narrowest class that contains the name; false when no class does.
func NarrowestClass(kind ClassKind, name string) (Class, bool) {
	row, ok := classTable()[className{kind, name}]
	return row.class, ok
}

// NameReach returns what a name of a class sees beyond what is the plugin's own; empty is nothing.
func NameReach(kind ClassKind, name string) Reach { return classTable()[className{kind, name}].reach }

// className returns the name of an access in the table of classes; false for kinds that are not in it.
func (a Access) className() (className, bool) {
	n := className{name: a.Name}
	switch a.Kind {
	case KindProgram:
		n.kind = ClassProgram
	case KindHelper:
		n.kind = ClassHelper
	case KindKfunc:
		n.kind, n.name = ClassKfunc, a.names()[0]
	case KindRight:
		n.kind = ClassRight
	case KindAttach:
		n.kind = ClassHook
		n.name, _, _ = strings.Cut(a.Name, ":")
	default:
		return n, false
	}
	return n, true
}

// classOf returns the narrowest class that contains an access; false when no class does. Kinds that
// classes say nothing of are part of all.
func classOf(a Access) (Class, bool) {
	n, listed := a.className()
	if !listed {
		return ClassObserve, true
	}
	row, ok := classTable()[n]
	return row.class, ok
}

// grants reports whether the class lets an access through, and if not why.
func (c Class) grants(a Access) (reason string, ok bool) {
	if c == ClassAny {
		return "", true
	}
	switch class, known := classOf(a); {
	case !known:
		return "it is in no class", false
	case class < c:
		return "class " + c.String() + " does not grant it, it is of class " + class.String(), false
	}
	return "", true
}
