package spec

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Index finds what a collection has by name, and what refers to it, without looking at all of it:
// for who looks up or renames many things of a large collection.
//
// It knows the collection as it was when the index was made, and what was changed through the
// index. It notices what was added or removed otherwise, and that what it finds has another name by
// now; but a name that was set otherwise it does not find. After edits of instructions it has to be
// told what they refer to, by Refer.
type Index struct {
	c        *Collection
	programs names[*Program]
	maps     names[*Map]
	vars     names[*Var]
	uses     *uses          // nil until they are asked for
	externs  map[string]int // indices of the first of each name; nil until they are asked for
	nExterns int            // how many externs are known of
}

// NewIndex returns an index of a collection.
func NewIndex(c *Collection) *Index {
	return &Index{c: c, programs: names[*Program]{of: programName}, maps: names[*Map]{of: mapName}, vars: names[*Var]{of: varName}}
}

// Scope finds maps and variables by their names: a *Collection looks at all of them, an *[Index]
// does not.
type Scope interface {
	Map(name string) *Map
	Var(name string) *Var
	collection() *Collection
}

func (c *Collection) collection() *Collection { return c }
func (x *Index) collection() *Collection      { return x.c }

// Program returns the program of that name, or nil.
func (x *Index) Program(name string) *Program { return x.programs.find(x.c.Programs, name) }

// Map returns the map of that name, or nil.
func (x *Index) Map(name string) *Map { return x.maps.find(x.c.Maps, name) }

// Var returns the variable of that name, or nil.
func (x *Index) Var(name string) *Var { return x.vars.find(x.c.Vars, name) }

// Extern returns the extern of that name, or nil. The pointer is into the collection's Externs.
func (x *Index) Extern(name string) *Extern {
	list := x.c.Externs
	i, found := x.externs[name]
	if x.externs == nil || x.nExterns != len(list) || found && list[i].Name != name {
		x.externs, x.nExterns = make(map[string]int, len(list)), len(list)
		for k := range slices.Backward(list) {
			x.externs[list[k].Name] = k
		}
		i, found = x.externs[name]
	}
	if !found {
		return nil
	}
	return &list[i]
}

// VarsOf returns the variables in the map of that name.
func (x *Index) VarsOf(name string) []*Var { return x.used().variable[name] }

// AddProgram appends a program to the collection.
func (x *Index) AddProgram(p *Program) {
	x.c.Programs = append(x.c.Programs, p)
	x.programs.added(p)
	x.uses.program(p)
}

// AddMap appends a map to the collection.
func (x *Index) AddMap(m *Map) {
	x.c.Maps = append(x.c.Maps, m)
	x.maps.added(m)
	x.uses.mapped(m)
}

// RemoveProgram removes a program from the collection.
func (x *Index) RemoveProgram(p *Program) { x.c.Programs = x.programs.remove(x.c.Programs, p) }

// RemoveMap removes a map from the collection.
func (x *Index) RemoveMap(m *Map) { x.c.Maps = x.maps.remove(x.c.Maps, m) }

// AddAttach appends an attachment to the collection.
func (x *Index) AddAttach(a Attach) {
	x.c.Attach = append(x.c.Attach, a)
	x.uses.attached(len(x.c.Attach)-1, a.Program)
}

// Refer notes that instructions of a program of the collection have come to be as they are.
func (x *Index) Refer(p *Program, insns []Insn) {
	for i := range insns {
		x.uses.insn(p, &insns[i])
	}
}

// names finds elements of a list by their names, the first of each.
type names[T comparable] struct {
	of func(T) string
	by map[string]T
	n  int // length of the list that by is of

	twice bool // some elements have the same name

	reads int // how often all of a list was looked at
}

func (n *names[T]) find(list []T, name string) T {
	var none T
	n.check(list)
	found := n.by[name]
	if found != none && n.of(found) != name {
		n.read(list)
		found = n.by[name]
	}
	return found
}

// check reads the list if its length is another.
func (n *names[T]) check(list []T) {
	if n.by == nil || n.n != len(list) {
		n.read(list)
	}
}

func (n *names[T]) read(list []T) {
	n.by, n.n, n.twice = make(map[string]T, len(list)), 0, false
	n.reads++
	for _, v := range list {
		n.added(v)
	}
}

// added takes over what was appended to the list.
func (n *names[T]) added(v T) {
	if n.by == nil {
		return
	}
	n.n++
	if name := n.of(v); !n.has(name) {
		n.by[name] = v
	} else {
		n.twice = true
	}
}

// remove returns the list without an element.
func (n *names[T]) remove(list []T, v T) []T {
	i := slices.Index(list, v)
	if i < 0 {
		return list
	}
	known := n.by != nil && n.n == len(list) && !n.twice && n.by[n.of(v)] == v
	list = slices.Delete(list, i, i+1)
	if known {
		delete(n.by, n.of(v))
		n.n--
	}
	return list
}

func (n *names[T]) has(name string) bool { _, ok := n.by[name]; return ok }

// renamed takes over the new name of an element.
func (n *names[T]) renamed(from string, v T) {
	delete(n.by, from)
	n.by[n.of(v)] = v
}

// symbol is a name that instructions refer to.
type symbol struct {
	kind ObjectKind // of what it names: a map or a variable
	name string
}

// uses says where names are referred to. It may have more than there is, for what referred to a
// name before, but never less.
type uses struct {
	insns    map[symbol][]*Program
	values   map[string][]*Map
	variable map[string][]*Var // by map
	attach   map[string][]int  // by program: indices of attachments
	n        int               // attachments
	reads    int               // how often names were read when it was made
}

// newUses looks at all of a collection.
func newUses(c *Collection) *uses {
	u := &uses{insns: map[symbol][]*Program{}, values: map[string][]*Map{}, variable: map[string][]*Var{}}
	for _, p := range c.Programs {
		u.program(p)
	}
	for _, m := range c.Maps {
		u.mapped(m)
	}
	for _, v := range c.Vars {
		u.variable[v.Map] = append(u.variable[v.Map], v)
	}
	u.attachments(c.Attach)
	return u
}

func (u *uses) attachments(list []Attach) {
	u.attach, u.n = map[string][]int{}, 0
	for i := range list {
		u.attached(i, list[i].Program)
	}
}

func (u *uses) attached(i int, program string) {
	if u != nil {
		u.attach[program] = append(u.attach[program], i)
		u.n = i + 1
	}
}

func (u *uses) program(p *Program) {
	if u == nil {
		return
	}
	for _, in := range p.Insns.each() {
		u.insn(p, in)
	}
}

func (u *uses) insn(p *Program, in *Insn) {
	s := symbol{name: in.Symbol}
	switch in.Ref {
	case asm.RefMap, asm.RefMapValue:
		s.kind = ObjectMap
	case asm.RefVar:
		s.kind = ObjectVar
	}
	if u == nil || s.kind == 0 {
		return
	}
	if list := u.insns[s]; len(list) == 0 || list[len(list)-1] != p {
		u.insns[s] = append(list, p)
	}
}

func (u *uses) mapped(m *Map) {
	if u == nil {
		return
	}
	for _, v := range m.Values {
		if list := u.values[v.Name]; len(list) == 0 || list[len(list)-1] != m {
			u.values[v.Name] = append(list, m)
		}
	}
}

// used returns where names are referred to.
func (x *Index) used() *uses {
	x.programs.check(x.c.Programs)
	x.maps.check(x.c.Maps)
	x.vars.check(x.c.Vars)
	if reads := x.programs.reads + x.maps.reads + x.vars.reads; x.uses == nil || x.uses.reads != reads {
		x.uses = newUses(x.c)
		x.uses.reads = reads
	}
	if x.uses.n != len(x.c.Attach) {
		x.uses.attachments(x.c.Attach)
	}
	return x.uses
}

// renameInsns renames what instructions refer to.
func (x *Index) renameInsns(from, to symbol, kinds ...asm.RefKind) {
	u := x.used()
	seen := make(map[*Program]bool)
	for _, p := range u.insns[from] {
		if !seen[p] {
			p.Insns.renameRefs(from.name, to.name, kinds...)
		}
		seen[p] = true
	}
	move(u.insns, from, to)
}

// renameValues renames initial values of maps: of maps of maps, or of those of programs.
func (x *Index) renameValues(from, to string, ofMaps bool) {
	u := x.used()
	var others []*Map
	for _, m := range u.values[from] {
		if m.Type.HoldsMaps() != ofMaps {
			others = append(others, m)
			continue
		}
		m.renameValues(from, to)
		u.values[to] = append(u.values[to], m)
	}
	u.values[from] = others
}

// renameAttach renames the program of attachments.
func (x *Index) renameAttach(from, to string) {
	u := x.used()
	if slices.ContainsFunc(u.attach[from], func(i int) bool { return x.c.Attach[i].Program != from }) {
		u.attachments(x.c.Attach)
	}
	for _, i := range u.attach[from] {
		x.c.Attach[i].Program = to
	}
	move(u.attach, from, to)
}

// move puts what is under one key under another.
func move[K comparable, V any](m map[K][]V, from, to K) {
	if list, ok := m[from]; ok {
		delete(m, from)
		m[to] = append(m[to], list...)
	}
}
