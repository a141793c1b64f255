package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// ChangeOp says what happened to an object.
type ChangeOp uint8

// The kinds of change.
const (
	ChangeAdd ChangeOp = iota + 1
	ChangeRemove
	ChangeModify
)

// String returns "add", "remove" or "change".
func (o ChangeOp) String() string {
	switch o {
	case ChangeAdd:
		return "add"
	case ChangeRemove:
		return "remove"
	case ChangeModify:
		return "change"
	}
	return "op(" + strconv.Itoa(int(o)) + ")"
}

// ObjectKind is the kind of an object of a collection.
type ObjectKind uint8

// The kinds of object.
const (
	ObjectCollection ObjectKind = iota + 1 // the collection itself: license, byte order, …
	ObjectMap
	ObjectVar
	ObjectExtern
	ObjectProgram
	ObjectAttach // its name is "program kind:target"
)

// objectKindNames is indexed by ObjectKind.
var objectKindNames = [...]string{"none", "collection", "map", "variable", "extern", "program", "attachment"}

// String returns "program", "map", "variable" and so on.
func (k ObjectKind) String() string {
	if int(k) < len(objectKindNames) {
		return objectKindNames[k]
	}
	return "object(" + strconv.Itoa(int(k)) + ")"
}

// Change is the difference in one object.
type Change struct {
	Op    ChangeOp
	Kind  ObjectKind
	Name  string
	Props []PropChange // in a fixed order; for an added object those that are not zero
	Hunks []Hunk       // changed instructions of a program; all of them when it was added
}

// PropChange is a property with its value before and after, as text; an absent one is empty.
type PropChange struct {
	Name     string
	Old, New string
}

// Diff lists what makes b differ from a, in the order of the kinds and of the objects: those of b,
// then those that are only in a. Objects correspond by name, instructions by what they do: labels
// that were only renumbered and jumps that still lead to the same place are not a change. Equal
// collections return nothing. A part of a variable that its type knows is a property of its own,
// named by its BTF path as [Collection.VarPath] takes it: "cfg.ports[3].low".
func Diff(a, b *Collection) []Change {
	var out []Change
	if props := compare(collectionProps(a), collectionProps(b)); props != nil {
		out = append(out, Change{Op: ChangeModify, Kind: ObjectCollection, Props: props})
	}
	d := differ{a: a, b: b, indexA: NewIndex(a), indexB: NewIndex(b)}
	x, y := d.names(d.indexA), d.names(d.indexB)
	d.varsA, d.varsB = varsByMap(a), varsByMap(b)
	out = append(out, diffNamedWith(ObjectMap, a.Maps, b.Maps, mapName, x.mapProps, y.mapProps, d.data)...)
	out = append(out, diffNamedWith(ObjectVar, a.Vars, b.Vars, varName, x.varProps, y.varProps, d.leaves)...)
	out = append(out, diffNamedWith(ObjectExtern, a.Externs, b.Externs, externName, x.externProps, y.externProps, nil)...)
	out = append(out, diffNamed(ObjectProgram, a.Programs, b.Programs, programName, programAll, d.code)...)
	return append(out, diffNamed(ObjectAttach, a.Attach, b.Attach, Attach.Name, attachProps, nil)...)
}

// differ compares two collections.
type differ struct {
	a, b           *Collection
	indexA, indexB *Index
	varsA, varsB   map[string][]*Var // by map
}

func varsByMap(c *Collection) map[string][]*Var {
	out := make(map[string][]*Var)
	for _, v := range c.Vars {
		out[v.Map] = append(out[v.Map], v)
	}
	return out
}

// props returns properties of the objects of a collection as text.
type props struct {
	c     *Collection
	index *Index
	types func(btf.ID) string
}

// names returns the properties of a collection for comparison. Numbers of types mean the same in
// both collections only if they have the same BTF; otherwise types are compared by name.
func (d differ) names(index *Index) props {
	c := index.c
	if d.a.BTF == d.b.BTF || c.BTF == nil {
		return props{c, index, c.typeText}
	}
	return props{c, index, func(id btf.ID) string {
		if id == 0 {
			return ""
		}
		return c.BTF.TypeName(id)
	}}
}

// prop is a property as text; the text is empty where the property is not set.
type prop struct{ name, text string }

func mapName(m *Map) string         { return m.Name }
func varName(v *Var) string         { return v.Name }
func externName(e Extern) string    { return e.Name }
func programName(p *Program) string { return p.Name }

// diffNamed compares two lists of objects that have names.
func diffNamed[T any](kind ObjectKind, a, b []T, name func(T) string, props func(T) []prop, more func(c *Change, a, b *T)) []Change {
	return diffNamedWith(kind, a, b, name, props, props, more)
}

func diffNamedWith[T any](kind ObjectKind, a, b []T, name func(T) string, propsA, propsB func(T) []prop, more func(c *Change, a, b *T)) []Change {
	old := make(map[string][]int, len(a)) // names need not be unique: equal ones pair in order
	for i := range a {
		old[name(a[i])] = append(old[name(a[i])], i)
	}
	var out []Change
	paired := make([]bool, len(a))
	for j := range b {
		n := name(b[j])
		c := Change{Op: ChangeAdd, Kind: kind, Name: n}
		var before *T
		var props []prop
		if list := old[n]; len(list) > 0 {
			c.Op, before, props = ChangeModify, &a[list[0]], propsA(a[list[0]])
			paired[list[0]] = true
			old[n] = list[1:]
		}
		c.Props = compare(props, propsB(b[j]))
		if more != nil {
			more(&c, before, &b[j])
		}
		if c.Op == ChangeAdd || c.Props != nil || c.Hunks != nil {
			out = append(out, c)
		}
	}
	for i := range a {
		if !paired[i] {
			out = append(out, Change{Op: ChangeRemove, Kind: kind, Name: name(a[i])})
		}
	}
	return out
}

// compare lists the properties that differ. Both lists have the same order; either may be empty.
func compare(a, b []prop) []PropChange {
	var out []PropChange
	for i := range max(len(a), len(b)) {
		var c PropChange
		if i < len(a) {
			c.Name, c.Old = a[i].name, a[i].text
		}
		if i < len(b) {
			c.Name, c.New = b[i].name, b[i].text
		}
		if c.Old != c.New {
			out = append(out, c)
		}
	}
	return out
}

// number returns a number as text, nothing for zero.
func number[T ~uint32 | ~uint64](v T) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(v), 10)
}

func flags[T ~uint32 | ~uint64](v T) string {
	if v == 0 {
		return ""
	}
	return "0x" + strconv.FormatUint(uint64(v), 16)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func collectionProps(c *Collection) []prop {
	btf := ""
	if c.BTF != nil {
		btf = fmt.Sprintf("%d types", c.BTF.Len()-1)
	}
	return []prop{
		{"license", c.License}, {"order", c.Order.String()}, {"version", flags(c.KernelVersion)}, {"btf", btf},
		{"hidden", strings.Join(c.Hidden, " ")},
	}
}

func (p props) mapProps(m *Map) []prop {
	out := []prop{
		{"section", m.Section}, {"type", m.Type.String()}, {"key_size", number(m.KeySize)},
		{"value_size", number(m.ValueSize)}, {"max_entries", number(m.MaxEntries)}, {"flags", flags(m.Flags)},
		{"extra", flags(m.Extra)}, {"numa_node", number(m.NUMANode)}, {"pinning", ""},
		{"key_type", p.types(m.Key)}, {"value_type", p.types(m.Value)}, {"freeze", yes(m.Freeze)},
		{"tags", strings.Join(m.Tags, ",")}, {"inner", ""}, {"values", ""}, {"optional", yes(m.Optional)},
	}
	if m.Pinning != PinNone {
		out[8].text = m.Pinning.String()
	}
	if m.Inner != nil {
		var parts []string
		for _, q := range p.mapProps(m.Inner) {
			if q.text != "" {
				parts = append(parts, q.name+"="+q.text)
			}
		}
		out[13].text = strings.Join(parts, " ")
	}
	var values []string
	for _, v := range m.Values {
		values = append(values, strconv.FormatUint(uint64(v.Key), 10)+"="+v.Name)
	}
	out[14].text = strings.Join(values, " ")
	return out
}

// data compares the bytes of data sections that belong to no variable, because those show as values
// of their variables.
func (d differ) data(c *Change, x, y **Map) {
	if x == nil || (*x).Data == nil && (*y).Data == nil {
		return
	}
	old, now := bare(*x, d.varsA), bare(*y, d.varsB)
	n := min(len(old), len(now))
	if from, to := differing(old[:n], now[:n]); from < to {
		c.Props = append(c.Props, PropChange{fmt.Sprintf("data+%#x", from), hexBytes(old[from:to]), hexBytes(now[from:to])})
	}
}

// leaves puts the parts of a variable that differ in the place of its value.
func (d differ) leaves(c *Change, x, y **Var) {
	at := slices.IndexFunc(c.Props, func(p PropChange) bool { return p.Name == "value" })
	if x == nil || at < 0 {
		return
	}
	if parts := diffLeaves(d.indexA, d.indexB, *x, *y); parts != nil {
		c.Props = slices.Replace(c.Props, at, at+1, parts...)
	}
}

// bare returns the bytes of a data section with those of variables set to zero.
func bare(m *Map, vars map[string][]*Var) []byte {
	if m.Data == nil {
		return make([]byte, min(m.ValueSize, maxData))
	}
	b := bytes.Clone(m.Data)
	for _, v := range vars[m.Name] {
		if uint64(v.Offset)+uint64(v.Size) <= uint64(len(b)) {
			clear(b[v.Offset : v.Offset+v.Size])
		}
	}
	return b
}

// differing returns the smallest range outside which the bytes, of one length, are equal.
func differing(a, b []byte) (from, to int) {
	to = len(a)
	for from < to && a[from] == b[from] {
		from++
	}
	for from < to && a[to-1] == b[to-1] {
		to--
	}
	return from, to
}

func (p props) varProps(v *Var) []prop {
	value := ""
	if b, err := v.bytesIn(p.index.Map(v.Map)); err == nil {
		value = formatValue(p.c, v, b)
	}
	return []prop{
		{"section", v.Section}, {"map", v.Map}, {"offset", strconv.FormatUint(uint64(v.Offset), 10)},
		{"size", number(v.Size)}, {"type", p.types(v.Type)}, {"linkage", v.Linkage.String()}, {"value", value},
	}
}

func (p props) externProps(e Extern) []prop {
	return []prop{{"kind", e.Kind.String()}, {"type", p.types(e.Type)}, {"weak", yes(e.Weak)}}
}

func programProps(p *Program) []prop {
	return []prop{
		{"section", p.Section}, {"type", p.Type.String()}, {"attach_type", p.attachTypeText()},
		{"probe", p.probeText()}, {"attach_to", p.AttachTo}, {"flags", flags(p.Flags)}, {"optional", yes(p.Optional)},
		{"exception", p.Exception},
	}
}

// programAll are the properties and the tables, which text has lines of their own for.
func programAll(p *Program) []prop { return append(programProps(p), prop{"tables", p.tablesText()}) }

// attachTypeText returns the expected attach type, nothing when it is not set. Zero is also that of
// incoming packets of a cgroup.
func (p *Program) attachTypeText() string {
	if p.AttachType == 0 && p.Type != ProgramCgroupSkb {
		return ""
	}
	return p.AttachType.String()
}

func attachProps(a Attach) []prop {
	return []prop{
		{"netns", a.Netns}, {"flags", flags(a.Flags)}, {"cookie", flags(a.Cookie)}, {"optional", yes(a.Optional)},
	}
}

// code adds the instructions that differ.
func (d differ) code(c *Change, a, b **Program) {
	if a == nil {
		a = new(*Program)
		*a = &Program{}
	}
	if !(*a).Insns.Equal((*b).Insns) {
		c.Hunks = d.insns(*a, *b)
	}
}
