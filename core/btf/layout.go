package btf

import (
	"cmp"
	"fmt"
	"slices"
)

// SectionLayout is where the variables of a data section are.
type SectionLayout struct {
	Size uint32 // bytes
	Vars []VarLayout
}

// VarLayout is where a variable is.
type VarLayout struct {
	Name   string
	Type   ID     // of its values; 0 is unknown
	Offset uint32 // bytes
	Size   uint32 // bytes
}

// LostSection is a data section whose variables ForKernel left out.
type LostSection struct {
	Name string
	Err  error // what the kernel would refuse; wraps ErrForKernel
}

// datasec makes of a section what the kernel accepts. One that it would refuse loses its variables:
// programs that need none of their types can be loaded all the same.
func (f *fixer) datasec(id ID, d *Datasec) {
	layout, known := f.o.Sections[id]
	d.Vars = slices.Clone(d.Vars)
	var err error
	if !f.externs(d) {
		if err = f.place(d, layout, known); known {
			d.Size = layout.Size
		}
		if err == nil {
			err = f.tidy(d)
		}
	}
	if err != nil {
		f.lost = append(f.lost, LostSection{d.Name, err})
		d.Vars = nil
	}
	d.Size = max(d.Size, 1) // the kernel has no sections without a size
}

// externs makes of what the kernel provides ints that follow each other, as libbpf does. It reports
// whether the section has that.
func (f *fixer) externs(d *Datasec) bool {
	externs := d.Name == ksymsSection
	for i := range d.Vars {
		if v := &d.Vars[i]; f.t.Kind(v.Type) == KindFunc {
			v.Type, externs = f.dummy, true
		}
	}
	if !externs {
		return false
	}
	for i := range d.Vars {
		d.Vars[i].Offset, d.Vars[i].Size = uint32(i)*4, 4
	}
	d.Size = uint32(len(d.Vars)) * 4
	return true
}

// place sets the offsets of the variables of a section. Those that the table has, as linkers write
// them, hold: names may be shared. Where it has none, as with compilers, the layout says them; that of
// configuration values is never in the table.
func (f *fixer) place(d *Datasec, layout SectionLayout, known bool) error {
	switch {
	case known && (d.Size == 0 || d.Name == kconfigSection):
		return f.placeVars(d.Vars, layout.Vars)
	case d.Size == 0:
		return f.placeInOrder(d)
	}
	return nil
}

// varKey tells variables apart that have no name in common.
type varKey struct {
	typ  ID
	size uint32
}

// placeVars finds variables in a layout: by their names, and those that were renamed by type and size.
// What the layout does not have gets no size, but for static variables: clang writes their offsets.
func (f *fixer) placeVars(vars []SecVar, layout []VarLayout) error {
	names := make(map[string]*VarLayout, len(layout))
	twice := make(map[string]bool)
	for i := range layout {
		twice[layout[i].Name] = names[layout[i].Name] != nil
		names[layout[i].Name] = &layout[i]
	}
	var rest []*SecVar
	wanted := make(map[varKey]int)
	for i := range vars {
		v := &vars[i]
		name := f.t.Name(v.Type)
		if at := names[name]; at != nil && !twice[name] {
			v.Offset = at.Offset
			delete(names, name)
			continue
		}
		if r := f.t.record(v.Type); r.kind() == KindVar && f.t.word(r, 0) == uint32(LinkStatic) {
			continue
		}
		rest = append(rest, v)
		wanted[f.varKey(v)]++
	}
	if len(rest) == 0 {
		return nil
	}
	free := make(map[varKey][]uint32)
	for i := range layout {
		if l := &layout[i]; names[l.Name] != nil {
			k := varKey{l.Type, l.Size}
			free[k] = append(free[k], l.Offset)
		}
	}
	for _, v := range rest {
		k := f.varKey(v)
		switch at := free[k]; {
		case len(at) == 0:
			v.Size = 0
		case len(at) > 1 || wanted[k] > 1:
			return fmt.Errorf("%w: it cannot be told where variable %q is", ErrForKernel, f.t.Name(v.Type))
		default:
			v.Offset = at[0]
		}
	}
	return nil
}

// varKey returns the type of the values and the size of a variable.
func (f *fixer) varKey(v *SecVar) varKey { return varKey{ID(f.t.record(v.Type).word), v.Size} }

// placeInOrder places the variables of a section one after the other.
func (f *fixer) placeInOrder(d *Datasec) error {
	at := uint64(0)
	for i := range d.Vars {
		align, err := f.t.Align(d.Vars[i].Type)
		if err != nil {
			align = pointerSize
		}
		at = (at + uint64(align) - 1) / uint64(align) * uint64(align)
		if at+uint64(d.Vars[i].Size) > 1<<32-1 {
			return fmt.Errorf("%w: %w", ErrForKernel, ErrTooBig)
		}
		d.Vars[i].Offset = uint32(at)
		at += uint64(d.Vars[i].Size)
	}
	d.Size = uint32(at)
	return nil
}

// tidy sorts the variables of a section, and refuses what the kernel would (btf_datasec_check_meta and
// btf_datasec_resolve).
func (f *fixer) tidy(d *Datasec) error {
	d.Vars = slices.DeleteFunc(d.Vars, func(v SecVar) bool { return v.Size == 0 })
	slices.SortStableFunc(d.Vars, func(a, b SecVar) int { return cmp.Compare(a.Offset, b.Offset) })
	end := uint64(0)
	for i, v := range d.Vars {
		name, size := f.t.Name(v.Type), uint32(0)
		decl, err := f.t.Type(v.Type)
		if err != nil || decl.Kind() != KindVar {
			return fmt.Errorf("%w: type %d is not a variable", ErrForKernel, v.Type)
		}
		if n, err := f.t.Size(decl.(*Var).Type); err == nil { // otherwise it is refused with all types
			size = n
		}
		switch {
		case size > v.Size:
			return fmt.Errorf("%w: variable %q has %d bytes, its type %d", ErrForKernel, name, v.Size, size)
		case uint64(v.Offset) < end:
			return fmt.Errorf("%w: variable %q at %d overlaps %q", ErrForKernel, name, v.Offset, f.t.Name(d.Vars[i-1].Type))
		}
		end = uint64(v.Offset) + uint64(v.Size)
	}
	if end > uint64(d.Size) {
		return fmt.Errorf("%w: variables take %d bytes of %d", ErrForKernel, end, d.Size)
	}
	return nil
}
