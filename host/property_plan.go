package host

import (
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

// put32 stores a number that has to fit 32 bits.
func put32[N ~uint32](dst *N, v uint64) error {
	if v > math.MaxUint32 {
		return failf(abi.ErrRange, "%d does not fit 32 bits", v)
	}
	*dst = N(v)
	return nil
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// plannedProperties are the properties of what a plan is made of.
var plannedProperties = map[abi.Prop]property{
	abi.PropObjectName:    text(func(_ *instance, o *tx.Object) string { return o.Name }, nil),
	abi.PropObjectLicense: text(func(_ *instance, o *tx.Object) string { return o.Work.License }, setLicense),

	abi.PropProgramName: text(func(_ *instance, r tx.ProgramRef) string { return r.Program.Name }, setProgramName),
	abi.PropProgramType: number(func(_ *instance, r tx.ProgramRef) uint64 { return uint64(r.Program.Type) },
		func(_ *instance, r tx.ProgramRef, v uint64) error { return put32(&r.Program.Type, v) }),
	abi.PropProgramAttachType: number(func(_ *instance, r tx.ProgramRef) uint64 { return uint64(r.Program.AttachType) },
		func(_ *instance, r tx.ProgramRef, v uint64) error { return put32(&r.Program.AttachType, v) }),
	abi.PropProgramAttachTo: text(func(_ *instance, r tx.ProgramRef) string { return r.Program.AttachTo },
		func(_ *instance, r tx.ProgramRef, v string) error { r.Program.AttachTo = v; return nil }),
	abi.PropProgramSection: text(func(_ *instance, r tx.ProgramRef) string { return r.Program.Section }, nil),
	abi.PropProgramFlags: number(func(_ *instance, r tx.ProgramRef) uint64 { return uint64(r.Program.Flags) },
		func(_ *instance, r tx.ProgramRef, v uint64) error { return put32(&r.Program.Flags, v) }),
	abi.PropProgramInsnCount: number(func(_ *instance, r tx.ProgramRef) uint64 { return uint64(r.Program.Insns.Len()) }, nil),
	abi.PropProgramOptional: number(func(_ *instance, r tx.ProgramRef) uint64 { return flag(r.Program.Optional) },
		func(_ *instance, r tx.ProgramRef, v uint64) error { r.Program.Optional = v != 0; return nil }),

	abi.PropMapName: text(func(_ *instance, r tx.MapRef) string { return r.Map.Name }, setMapName),
	abi.PropMapType: number(func(_ *instance, r tx.MapRef) uint64 { return uint64(r.Map.Type) },
		func(_ *instance, r tx.MapRef, v uint64) error { return put32(&r.Map.Type, v) }),
	abi.PropMapKeySize: number(func(_ *instance, r tx.MapRef) uint64 { return uint64(r.Map.KeySize) }, setKeySize),
	abi.PropMapValueSize: number(func(_ *instance, r tx.MapRef) uint64 { return uint64(r.Map.ValueSize) },
		setValueSize),
	abi.PropMapMaxEntries: number(func(_ *instance, r tx.MapRef) uint64 { return uint64(r.Map.MaxEntries) },
		func(_ *instance, r tx.MapRef, v uint64) error { return put32(&r.Map.MaxEntries, v) }),
	abi.PropMapFlags: number(func(_ *instance, r tx.MapRef) uint64 { return uint64(r.Map.Flags) },
		func(_ *instance, r tx.MapRef, v uint64) error { return put32(&r.Map.Flags, v) }),
	abi.PropMapExtra: number(func(_ *instance, r tx.MapRef) uint64 { return r.Map.Extra },
		func(_ *instance, r tx.MapRef, v uint64) error { r.Map.Extra = v; return nil }),
	abi.PropMapPinning: number(func(_ *instance, r tx.MapRef) uint64 { return uint64(r.Map.Pinning) },
		func(_ *instance, r tx.MapRef, v uint64) error { return put32(&r.Map.Pinning, v) }),
	abi.PropMapData:    {getB: mapData, setB: setMapData},
	abi.PropMapSection: text(func(_ *instance, r tx.MapRef) string { return r.Map.Section }, nil),

	abi.PropVarName:    text(func(_ *instance, r tx.VarRef) string { return r.Var.Name }, nil),
	abi.PropVarMap:     text(func(_ *instance, r tx.VarRef) string { return r.Var.Map }, nil),
	abi.PropVarSize:    number(func(_ *instance, r tx.VarRef) uint64 { return uint64(r.Var.Size) }, nil),
	abi.PropVarOffset:  number(func(_ *instance, r tx.VarRef) uint64 { return uint64(r.Var.Offset) }, nil),
	abi.PropVarSection: text(func(_ *instance, r tx.VarRef) string { return r.Var.Section }, nil),

	abi.PropAttachProgram: text(func(_ *instance, r tx.AttachRef) string { return r.Get().Program }, nil),
	abi.PropAttachKind:    number(func(_ *instance, r tx.AttachRef) uint64 { return uint64(r.Get().Kind) }, nil),
	abi.PropAttachTarget: text(func(_ *instance, r tx.AttachRef) string { return r.Get().Target },
		func(_ *instance, r tx.AttachRef, v string) error { r.Get().Target = v; return nil }),
	abi.PropAttachNetns: text(func(_ *instance, r tx.AttachRef) string { return r.Get().Netns },
		func(_ *instance, r tx.AttachRef, v string) error { r.Get().Netns = v; return nil }),
	abi.PropAttachFlags: number(func(_ *instance, r tx.AttachRef) uint64 { return uint64(r.Get().Flags) },
		func(_ *instance, r tx.AttachRef, v uint64) error { return put32(&r.Get().Flags, v) }),
	abi.PropAttachCookie: number(func(_ *instance, r tx.AttachRef) uint64 { return r.Get().Cookie },
		func(_ *instance, r tx.AttachRef, v uint64) error { r.Get().Cookie = v; return nil }),
	abi.PropAttachOptional: number(func(_ *instance, r tx.AttachRef) uint64 { return flag(r.Get().Optional) },
		func(_ *instance, r tx.AttachRef, v uint64) error { r.Get().Optional = v != 0; return nil }),
}

func setLicense(_ *instance, o *tx.Object, v string) error {
	if len(v) > 127 {
		return failf(abi.ErrRange, "the kernel reads at most 127 bytes of a license; this one has %d", len(v))
	}
	o.Work.License = v
	return nil
}

func setProgramName(_ *instance, r tx.ProgramRef, v string) error {
	c := r.Object.Work
	if v == "" {
		return failf(abi.ErrInval, "a program needs a name")
	}
	if p := c.Program(v); p != nil && p != r.Program {
		return failf(abi.ErrExist, "object %s has a program %q already", r.Object.Name, v)
	}
	return c.RenameProgram(r.Program.Name, v)
}

func setMapName(_ *instance, r tx.MapRef, v string) error {
	c := r.Object.Work
	if v == "" {
		return failf(abi.ErrInval, "a map needs a name")
	}
	if m := c.Map(v); m != nil && m != r.Map {
		return failf(abi.ErrExist, "object %s has a map %q already", r.Object.Name, v)
	}
	if isDataSection(r) {
		return failf(abi.ErrState, "map %q stands for a data section, whose name is fixed", r.Map.Name)
	}
	return c.RenameMap(r.Map.Name, v)
}

// isDataSection reports whether a map holds the variables of the object.
func isDataSection(r tx.MapRef) bool {
	return r.Map.Data != nil || slices.ContainsFunc(r.Object.Work.Vars, func(v *spec.Var) bool { return v.Map == r.Map.Name })
}

func setKeySize(_ *instance, r tx.MapRef, v uint64) error {
	if uint64(r.Map.KeySize) == v {
		return nil
	}
	r.Map.Key = 0 // its type says another size
	return put32(&r.Map.KeySize, v)
}

func setValueSize(_ *instance, r tx.MapRef, v uint64) error {
	if uint64(r.Map.ValueSize) == v {
		return nil
	}
	if isDataSection(r) {
		if v > tx.MaxMapData {
			return failf(abi.ErrRange, "a data section has at most %d bytes", tx.MaxMapData)
		}
		return r.Object.Work.ResizeData(r.Map.Name, uint32(v))
	}
	if v > math.MaxUint32 {
		return failf(abi.ErrRange, "%d does not fit 32 bits", v)
	}
	r.Map.Value = 0
	return put32(&r.Map.ValueSize, v)
}

func mapData(_ *instance, obj any) ([]byte, error) {
	r := obj.(tx.MapRef)
	if !isDataSection(r) {
		return nil, failf(abi.ErrNoent, "map %q has no initial bytes; it is no data section", r.Map.Name)
	}
	if r.Map.Data != nil {
		return r.Map.Data, nil
	}
	if r.Map.ValueSize > tx.MaxMapData {
		return nil, failf(abi.ErrLimit, "the %d zero bytes of map %q are too many to be shown", r.Map.ValueSize, r.Map.Name)
	}
	return make([]byte, r.Map.ValueSize), nil
}

func setMapData(_ *instance, obj any, v []byte) error {
	r := obj.(tx.MapRef)
	switch {
	case !isDataSection(r):
		return failf(abi.ErrNoent, "map %q has no initial bytes; it is no data section", r.Map.Name)
	case uint64(len(v)) > uint64(r.Map.ValueSize):
		return failf(abi.ErrRange, "%d bytes do not fit the %d of map %q", len(v), r.Map.ValueSize, r.Map.Name)
	case r.Map.ValueSize > tx.MaxMapData:
		return failf(abi.ErrLimit, "map %q is too large to be given initial bytes", r.Map.Name)
	}
	data := make([]byte, r.Map.ValueSize)
	copy(data, v)
	r.Map.Data = data
	return nil
}
