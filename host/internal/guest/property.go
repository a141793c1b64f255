package guest

import (
	"fmt"
	"math"
	"strconv"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
)

// property is how one property is read and written. Which of the functions is there follows from
// its type and from whether it can be written; a test compares this with the table of package abi.
type property struct {
	getU func(obj any) (uint64, error)
	setU func(obj any, v uint64) error
	getB func(obj any) ([]byte, error)
	setB func(obj any, v []byte) error
}

// number makes a property of a number that handles of type T have.
func number[T any](get func(T) uint64, set func(T, uint64) error) property {
	p := property{getU: func(obj any) (uint64, error) { return get(obj.(T)), nil }}
	if set != nil {
		p.setU = func(obj any, v uint64) error { return set(obj.(T), v) }
	}
	return p
}

// text makes a property of a string.
func text[T any](get func(T) string, set func(T, string) error) property {
	p := property{getB: func(obj any) ([]byte, error) { return []byte(get(obj.(T))), nil }}
	if set != nil {
		p.setB = func(obj any, v []byte) error { return set(obj.(T), string(v)) }
	}
	return p
}

// raw makes a property of bytes.
func raw[T any](get func(T) ([]byte, error), set func(T, []byte) error) property {
	return property{
		getB: func(obj any) ([]byte, error) { return get(obj.(T)) },
		setB: func(obj any, v []byte) error { return set(obj.(T), v) },
	}
}

// implementation finds how a property works.
func implementation(id abi.Prop) (property, bool) {
	for _, table := range []map[abi.Prop]property{declaredProperties, plannedProperties, liveMapProperties} {
		if p, ok := table[id]; ok {
			return p, true
		}
	}
	return property{}, false
}

// propertyCalls are the functions of the group properties.
type propertyCalls struct{ *state }

// access is one checked access to a property.
type access struct {
	property
	def abi.Property
	obj any
}

// access checks handle, property, type and phase, in this order.
func (x propertyCalls) access(h uint32, id abi.Prop, numeric, write bool) (access, error) {
	obj, err := x.handles.any(h)
	if err != nil {
		return access{}, err
	}
	def, ok := abi.LookupProp(id)
	if !ok {
		return access{}, failf(abi.ErrNosup, "property %#x is not known; feature tells", uint32(id))
	}
	impl, ok := implementation(id)
	switch kind := handle(h).kind(); {
	case !ok:
		return access{}, failf(abi.ErrNosup, "property %s is not there on this host", def.FullName())
	case kind != def.Kind:
		return access{}, failf(abi.ErrKind, "a %s has no property %s", kind, def.FullName())
	case def.Type.Numeric() && !numeric:
		return access{}, failf(abi.ErrInval, "%s is a number; use get_u and set_u", def.FullName())
	case !def.Type.Numeric() && numeric:
		return access{}, failf(abi.ErrInval, "%s is bytes; use get_b and set_b", def.FullName())
	case write && def.Write == 0:
		return access{}, failf(abi.ErrPerm, "%s can only be read", def.FullName())
	case write && def.Write&x.phase == 0, !write && def.Read&x.phase == 0:
		return access{}, failf(abi.ErrPhase, "%s is not there in phase %s", def.FullName(), x.phase)
	}
	if o := tx.ObjectOf(obj); write && o != nil && def.Kind != abi.KindAttach {
		if err := x.mayEdit(o); err != nil {
			return access{}, err
		}
	}
	return access{impl, def, obj}, nil
}

// about puts handle and property into the error of an access.
func about(h uint32, id abi.Prop, err error) error {
	if err == nil {
		return nil
	}
	e := *asCallError(err)
	e.handle, e.prop = h, id
	return &e
}

// GetU reads a number.
func (x propertyCalls) GetU(h uint32, id abi.Prop) (uint64, int32) {
	a, err := x.access(h, id, true, false)
	if err != nil {
		return x.reply64(abi.FuncGetU, 0, about(h, id, err))
	}
	v, err := a.getU(a.obj)
	return x.reply64(abi.FuncGetU, v, about(h, id, err))
}

// GetB reads bytes.
func (x propertyCalls) GetB(h uint32, id abi.Prop, value []byte) int32 {
	a, err := x.access(h, id, false, false)
	if err != nil {
		return x.reply(abi.FuncGetB, 0, about(h, id, err))
	}
	v, err := a.getB(a.obj)
	if err != nil {
		return x.reply(abi.FuncGetB, 0, about(h, id, err))
	}
	return abi.CopyOut(value, v)
}

// SetU writes a number.
func (x propertyCalls) SetU(h uint32, id abi.Prop, value uint64) int32 {
	return x.reply(abi.FuncSetU, 0, about(h, id, x.setU(h, id, value)))
}

func (x propertyCalls) setU(h uint32, id abi.Prop, value uint64) error {
	a, err := x.access(h, id, true, true)
	if err != nil {
		return err
	}
	if err := checkNumber(a.def, value); err != nil {
		return err
	}
	if err := x.rights.setting(a, value); err != nil {
		return err
	}
	old, err := a.getU(a.obj)
	if err != nil {
		return err
	}
	e := editOf(a)
	if err := a.setU(a.obj, value); err != nil {
		return err
	}
	return x.logEdit(e, showNumber(a.def, old), showNumber(a.def, value))
}

// SetB writes bytes.
func (x propertyCalls) SetB(h uint32, id abi.Prop, value []byte) int32 {
	return x.reply(abi.FuncSetB, 0, about(h, id, x.setB(h, id, value)))
}

func (x propertyCalls) setB(h uint32, id abi.Prop, value []byte) error {
	a, err := x.access(h, id, false, true)
	if err != nil {
		return err
	}
	if err := checkBytes(a.def, value); err != nil {
		return err
	}
	if err := x.rights.settingBytes(a, value); err != nil {
		return err
	}
	old, err := a.getB(a.obj)
	if err != nil {
		return err
	}
	before := showBytes(a.def, old) // old may be the memory that is written
	e := editOf(a)
	more := 0 // of a text of the plugin's; those of a plan count in its edits
	if x.tx == nil {
		more = len(value) - len(old)
	}
	if err := x.memory.Take(more); err != nil {
		return err
	}
	if err := a.setB(a.obj, value); err != nil {
		x.memory.Return(more)
		return err
	}
	x.memory.Return(-more)
	return x.logEdit(e, before, showBytes(a.def, value))
}

// checkNumber holds a number against the type of its property.
func checkNumber(def abi.Property, v uint64) error {
	switch {
	case def.Type == abi.Bool && v > 1:
		return failf(abi.ErrRange, "%s is 0 or 1, not %d", def.FullName(), v)
	case def.Type == abi.Choice && choiceName(def.Of, v) == "":
		return failf(abi.ErrRange, "%d is no %s", v, def.Of)
	}
	return nil
}

// checkBytes holds bytes against the type of their property.
func checkBytes(def abi.Property, v []byte) error {
	var code abi.Errno
	switch def.Type {
	case abi.NameBytes:
		code = abi.CheckName(v)
	case abi.LineBytes:
		code = abi.CheckLine(v)
	}
	if code != 0 {
		return failf(code, "%s takes one line of UTF-8 without control characters, at most %d bytes for a name and %d for a text",
			def.FullName(), abi.MaxName, abi.MaxLine)
	}
	return nil
}

// choiceName is the name of a value of an enum, or empty.
func choiceName(enum string, v uint64) string {
	if v > math.MaxUint32 {
		return ""
	}
	value, _ := abi.LookupValue(enum, uint32(v))
	return value.Name
}

// editOf begins the log entry of a write. It is made before the write, which may be a new name.
func editOf(a access) plan.Edit {
	e := tx.EditOf(a.obj)
	e.What = a.def.Name
	return e
}

// logEdit ends it. What a plugin declares is not an edit of the plan.
func (x propertyCalls) logEdit(e plan.Edit, old, new string) error {
	if x.tx == nil || old == new {
		return nil
	}
	e.Old, e.New = old, new
	return x.tx.Log(e)
}

func showNumber(def abi.Property, v uint64) string {
	if name := choiceName(def.Of, v); def.Type == abi.Choice && name != "" {
		return name
	}
	if def.Name == "flags" || def.Name == "extra" {
		return fmt.Sprintf("%#x", v)
	}
	return strconv.FormatUint(v, 10)
}

func showBytes(def abi.Property, v []byte) string {
	if def.Type != abi.PlainBytes {
		return string(v)
	}
	return tx.ShowBytes(v)
}
