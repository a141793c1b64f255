// Package ringtype finds out which type the records of a ring buffer have, which nothing in an object
// has to say.
package ringtype

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/opt"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// recordTag is what a declaration tag of a map begins with that names the type of its records.
const recordTag = "record="

// Finder finds the types of the records of one object's ring buffers. Programs are looked through once.
type Finder struct {
	object *spec.Collection
	sends  map[string][]send // by map
	known  bool              // sends is filled in
}

// send is a call that puts a record into a ring buffer.
type send struct {
	size uint64
	line string // of source
}

// NewFinder makes a finder for an object.
func NewFinder(c *spec.Collection) *Finder { return &Finder{object: c} }

// Of returns the type of the records of a map and how it was found: what the map itself
// says, or else the type that has the size of what programs send. It is 0 if it is not known, and how
// says why.
func (f *Finder) Of(m *spec.Map) (id btf.ID, how string) {
	types := f.object.BTF
	if types == nil {
		return 0, "the object has no BTF"
	}
	if m.Value != 0 {
		return m.Value, "as the map says"
	}
	for _, tag := range m.Tags {
		if name, ok := strings.CutPrefix(tag, recordTag); ok {
			if id, err := Named(types, name); err == nil {
				return id, "as a tag of the map says"
			}
		}
	}
	if !f.known {
		f.scan()
	}
	sends := f.sends[m.Name]
	sizes := map[uint64]bool{}
	for _, s := range sends {
		sizes[s.size] = true
	}
	switch len(sizes) {
	case 0:
		return 0, "no program sends records of a known size"
	case 1:
		return f.bySize(sends)
	}
	list := slices.Sorted(maps.Keys(sizes))
	return 0, fmt.Sprintf("programs send records of %d sizes, %d to %d bytes", len(list), list[0], list[len(list)-1])
}

// structName finds the names of structs in a line of source.
var structName = regexp.MustCompile(`\b(?:struct|union)\s+(\w+)`)

// bySize returns the one struct of a size: that which the source names where it sends, or which is
// nothing else, neither the kernel's nor a context, nor in doubt what maps and variables hold.
func (f *Finder) bySize(sends []send) (btf.ID, string) {
	types, size := f.object.BTF, sends[0].size
	var all []btf.ID
	for id, kind := range types.Kinds() {
		if n, err := types.Size(id); err == nil && uint64(n) == size && (kind == btf.KindStruct || kind == btf.KindUnion) && types.Name(id) != "" {
			all = append(all, id)
		}
	}
	var named []btf.ID
	for _, s := range sends {
		for _, match := range structName.FindAllStringSubmatch(s.line, -1) {
			for _, id := range all {
				if types.Name(id) == match[1] && !slices.Contains(named, id) {
					named = append(named, id)
				}
			}
		}
	}
	if len(named) == 1 {
		return named[0], "as the source says where it is sent"
	}
	foreign, stored := f.foreign(), f.stored()
	own := slices.DeleteFunc(all, func(id btf.ID) bool { return foreign[id] })
	if rest := slices.DeleteFunc(slices.Clone(own), func(id btf.ID) bool { return stored[id] }); len(rest) == 1 {
		own = rest // what is kept in maps and variables may be sent too, but this is in BTF for nothing else
	}
	switch len(own) {
	case 1:
		return own[0], "the only type of the size that is sent"
	case 0:
		return 0, fmt.Sprintf("the object's BTF has no struct for the %d bytes that are sent", size)
	}
	return 0, fmt.Sprintf("%s have the %d bytes that are sent", typeNames(types, own), size)
}

// stored are the types that maps and variables hold.
func (f *Finder) stored() map[btf.ID]bool {
	c, out := f.object, map[btf.ID]bool{}
	for _, m := range c.Maps {
		out[c.BTF.Strip(m.Key)] = true
		out[c.BTF.Strip(m.Value)] = true
	}
	for _, v := range c.Vars {
		id := c.BTF.Strip(v.Type)
		if typ, err := c.BTF.Type(id); err == nil {
			if a, ok := typ.(*btf.Array); ok {
				id = c.BTF.Strip(a.Type)
			}
		}
		out[id] = true
	}
	return out
}

// foreign are the types that are not the object's own: those of the kernel that are relocated, and
// contexts.
func (f *Finder) foreign() map[btf.ID]bool {
	c, out := f.object, map[btf.ID]bool{}
	for _, p := range c.Programs {
		for _, in := range p.Insns.All() {
			if in.Core != nil {
				out[c.BTF.Strip(in.Core.Type)] = true
			}
		}
		if p.Insns.Len() > 0 {
			f.context(p.Insns.At(0).Func, out)
		}
	}
	return out
}

// context adds what the parameters of an entry function point to.
func (f *Finder) context(fn *btf.FuncInfo, out map[btf.ID]bool) {
	if fn == nil {
		return
	}
	types := f.object.BTF
	typ, err := types.Type(fn.Type)
	if decl, ok := typ.(*btf.Func); err == nil && ok {
		typ, err = types.Type(decl.Type)
	}
	proto, ok := typ.(*btf.FuncProto)
	if err != nil || !ok {
		return
	}
	for _, param := range proto.Params {
		if to, err := types.Type(types.Strip(param.Type)); err == nil {
			if ptr, ok := to.(*btf.Pointer); ok {
				out[types.Strip(ptr.Type)] = true
			}
		}
	}
}

// scan finds the calls that send records, and how many bytes they send.
func (f *Finder) scan() {
	f.known, f.sends = true, map[string][]send{}
	for _, p := range f.object.Programs {
		g, err := opt.Graph(p)
		if err != nil {
			continue // it is not loaded either
		}
		consts := g.Constants(cfg.ConstOptions{})
		for block := range g.Blocks {
			consts.Block(block, func(i int, before *[asm.R10]cfg.Value) { f.call(p, consts, i, before) })
		}
	}
}

// sizeOf are the registers with the size of a record in calls that send one.
var sizeOf = map[asm.Helper]asm.Reg{asm.HelperRingbufReserve: asm.R2, asm.HelperRingbufOutput: asm.R3}

// call looks at one instruction.
func (f *Finder) call(p *spec.Program, consts *cfg.Constants, i int, before *[asm.R10]cfg.Value) {
	in := p.Insns.At(i)
	reg, sends := sizeOf[asm.Helper(in.Imm)]
	if in.Op != asm.OpCall || in.Ref != asm.RefNone || in.Src != 0 || !sends {
		return
	}
	size, to := before[reg], mapIn(p, consts, i)
	if size.Kind != cfg.ValueNumber || to == "" {
		return
	}
	s := send{size: size.Bits}
	for k := i; k >= 0; k-- { // the line of a call stands before its arguments
		if line := p.Insns.At(k).Line; line != nil {
			s.line = line.Text()
			break
		}
	}
	f.sends[to] = append(f.sends[to], s)
}

// mapIn returns the name of the map that is the first argument of a call, empty if that is not known.
func mapIn(p *spec.Program, consts *cfg.Constants, call int) string {
	origins, ok := consts.Origins(call, asm.R1)
	if !ok || len(origins) != 1 || origins[0].Insn < 0 {
		return ""
	}
	if in := p.Insns.At(origins[0].Insn); in.Ref == asm.RefMap {
		return in.Symbol
	}
	return ""
}

func typeNames(types *btf.Types, ids []btf.ID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = types.TypeName(id)
	}
	return strings.Join(names, ", ")
}

// Named finds a type by its name in C, "struct event" or "event_t". The error names what is near.
func Named(types *btf.Types, name string) (btf.ID, error) {
	if types == nil {
		return 0, errors.New("the object has no BTF; compile it with -g")
	}
	kinds := []btf.Kind{btf.KindStruct, btf.KindUnion, btf.KindTypedef, btf.KindInt, btf.KindEnum, btf.KindEnum64}
	bare := name
	for word, kind := range map[string]btf.Kind{"struct ": btf.KindStruct, "union ": btf.KindUnion, "enum ": btf.KindEnum} {
		if cut, ok := strings.CutPrefix(name, word); ok {
			bare, kinds = strings.TrimSpace(cut), []btf.Kind{kind}
		}
	}
	var known []string
	for id := range types.All() {
		kind := types.Kind(id)
		if !slices.Contains(kinds, kind) || types.Name(id) == "" {
			continue
		}
		if types.Name(id) == bare {
			return id, nil
		}
		if kind == btf.KindStruct || kind == btf.KindUnion {
			known = append(known, types.TypeName(id))
		}
	}
	slices.Sort(known)
	if len(nearest.Names(name, known)) > 0 {
		return 0, fmt.Errorf("the object's BTF has no %s%s", name, nearest.Hint(name, slices.Compact(known)))
	}
	return 0, fmt.Errorf("the object's BTF has no %s; types are there that a variable, a map or a function names: const %s *unused __attribute__((unused));", name, name)
}
