package host

import (
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
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
	abi.PropObjectName:    text(func(_ *instance, o *object) string { return o.name }, nil),
	abi.PropObjectLicense: text(func(_ *instance, o *object) string { return o.work.License }, setLicense),

	abi.PropProgramName: text(func(_ *instance, r progRef) string { return r.p.Name }, setProgramName),
	abi.PropProgramType: number(func(_ *instance, r progRef) uint64 { return uint64(r.p.Type) },
		func(_ *instance, r progRef, v uint64) error { return put32(&r.p.Type, v) }),
	abi.PropProgramAttachType: number(func(_ *instance, r progRef) uint64 { return uint64(r.p.AttachType) },
		func(_ *instance, r progRef, v uint64) error { return put32(&r.p.AttachType, v) }),
	abi.PropProgramAttachTo: text(func(_ *instance, r progRef) string { return r.p.AttachTo },
		func(_ *instance, r progRef, v string) error { r.p.AttachTo = v; return nil }),
	abi.PropProgramSection: text(func(_ *instance, r progRef) string { return r.p.Section }, nil),
	abi.PropProgramFlags: number(func(_ *instance, r progRef) uint64 { return uint64(r.p.Flags) },
		func(_ *instance, r progRef, v uint64) error { return put32(&r.p.Flags, v) }),
	abi.PropProgramInsnCount: number(func(_ *instance, r progRef) uint64 { return uint64(r.p.Insns.Len()) }, nil),
	abi.PropProgramOptional: number(func(_ *instance, r progRef) uint64 { return flag(r.p.Optional) },
		func(_ *instance, r progRef, v uint64) error { r.p.Optional = v != 0; return nil }),

	abi.PropMapName: text(func(_ *instance, r mapRef) string { return r.m.Name }, setMapName),
	abi.PropMapType: number(func(_ *instance, r mapRef) uint64 { return uint64(r.m.Type) },
		func(_ *instance, r mapRef, v uint64) error { return put32(&r.m.Type, v) }),
	abi.PropMapKeySize: number(func(_ *instance, r mapRef) uint64 { return uint64(r.m.KeySize) }, setKeySize),
	abi.PropMapValueSize: number(func(_ *instance, r mapRef) uint64 { return uint64(r.m.ValueSize) },
		setValueSize),
	abi.PropMapMaxEntries: number(func(_ *instance, r mapRef) uint64 { return uint64(r.m.MaxEntries) },
		func(_ *instance, r mapRef, v uint64) error { return put32(&r.m.MaxEntries, v) }),
	abi.PropMapFlags: number(func(_ *instance, r mapRef) uint64 { return uint64(r.m.Flags) },
		func(_ *instance, r mapRef, v uint64) error { return put32(&r.m.Flags, v) }),
	abi.PropMapExtra: number(func(_ *instance, r mapRef) uint64 { return r.m.Extra },
		func(_ *instance, r mapRef, v uint64) error { r.m.Extra = v; return nil }),
	abi.PropMapPinning: number(func(_ *instance, r mapRef) uint64 { return uint64(r.m.Pinning) },
		func(_ *instance, r mapRef, v uint64) error { return put32(&r.m.Pinning, v) }),
	abi.PropMapData:    {getB: mapData, setB: setMapData},
	abi.PropMapSection: text(func(_ *instance, r mapRef) string { return r.m.Section }, nil),

	abi.PropVarName:    text(func(_ *instance, r varRef) string { return r.v.Name }, nil),
	abi.PropVarMap:     text(func(_ *instance, r varRef) string { return r.v.Map }, nil),
	abi.PropVarSize:    number(func(_ *instance, r varRef) uint64 { return uint64(r.v.Size) }, nil),
	abi.PropVarOffset:  number(func(_ *instance, r varRef) uint64 { return uint64(r.v.Offset) }, nil),
	abi.PropVarSection: text(func(_ *instance, r varRef) string { return r.v.Section }, nil),

	abi.PropAttachProgram: text(func(_ *instance, r attRef) string { return r.get().Program }, nil),
	abi.PropAttachKind:    number(func(_ *instance, r attRef) uint64 { return uint64(r.get().Kind) }, nil),
	abi.PropAttachTarget: text(func(_ *instance, r attRef) string { return r.get().Target },
		func(_ *instance, r attRef, v string) error { r.get().Target = v; return nil }),
	abi.PropAttachNetns: text(func(_ *instance, r attRef) string { return r.get().Netns },
		func(_ *instance, r attRef, v string) error { r.get().Netns = v; return nil }),
	abi.PropAttachFlags: number(func(_ *instance, r attRef) uint64 { return uint64(r.get().Flags) },
		func(_ *instance, r attRef, v uint64) error { return put32(&r.get().Flags, v) }),
	abi.PropAttachCookie: number(func(_ *instance, r attRef) uint64 { return r.get().Cookie },
		func(_ *instance, r attRef, v uint64) error { r.get().Cookie = v; return nil }),
	abi.PropAttachOptional: number(func(_ *instance, r attRef) uint64 { return flag(r.get().Optional) },
		func(_ *instance, r attRef, v uint64) error { r.get().Optional = v != 0; return nil }),
}

// get gives the attachment. A handle to one that was removed is closed, so it is there.
func (r attRef) get() *spec.Attach { return r.o.attach(r.id) }

func setLicense(_ *instance, o *object, v string) error {
	if len(v) > 127 {
		return failf(abi.ErrRange, "the kernel reads at most 127 bytes of a license; this one has %d", len(v))
	}
	o.work.License = v
	return nil
}

func setProgramName(_ *instance, r progRef, v string) error {
	c := r.o.work
	if v == "" {
		return failf(abi.ErrInval, "a program needs a name")
	}
	if p := c.Program(v); p != nil && p != r.p {
		return failf(abi.ErrExist, "object %s has a program %q already", r.o.name, v)
	}
	return c.RenameProgram(r.p.Name, v)
}

func setMapName(_ *instance, r mapRef, v string) error {
	c := r.o.work
	if v == "" {
		return failf(abi.ErrInval, "a map needs a name")
	}
	if m := c.Map(v); m != nil && m != r.m {
		return failf(abi.ErrExist, "object %s has a map %q already", r.o.name, v)
	}
	if isDataSection(r) {
		return failf(abi.ErrState, "map %q stands for a data section, whose name is fixed", r.m.Name)
	}
	return c.RenameMap(r.m.Name, v)
}

// isDataSection reports whether a map holds the variables of the object.
func isDataSection(r mapRef) bool {
	return r.m.Data != nil || slices.ContainsFunc(r.o.work.Vars, func(v *spec.Var) bool { return v.Map == r.m.Name })
}

func setKeySize(_ *instance, r mapRef, v uint64) error {
	if uint64(r.m.KeySize) == v {
		return nil
	}
	r.m.Key = 0 // its type says another size
	return put32(&r.m.KeySize, v)
}

func setValueSize(_ *instance, r mapRef, v uint64) error {
	if uint64(r.m.ValueSize) == v {
		return nil
	}
	if isDataSection(r) {
		if v > maxMapData {
			return failf(abi.ErrRange, "a data section has at most %d bytes", maxMapData)
		}
		return r.o.work.ResizeData(r.m.Name, uint32(v))
	}
	if v > math.MaxUint32 {
		return failf(abi.ErrRange, "%d does not fit 32 bits", v)
	}
	r.m.Value = 0
	return put32(&r.m.ValueSize, v)
}

func mapData(_ *instance, obj any) ([]byte, error) {
	r := obj.(mapRef)
	if !isDataSection(r) {
		return nil, failf(abi.ErrNoent, "map %q has no initial bytes; it is no data section", r.m.Name)
	}
	if r.m.Data != nil {
		return r.m.Data, nil
	}
	if r.m.ValueSize > maxMapData {
		return nil, failf(abi.ErrLimit, "the %d zero bytes of map %q are too many to be shown", r.m.ValueSize, r.m.Name)
	}
	return make([]byte, r.m.ValueSize), nil
}

func setMapData(_ *instance, obj any, v []byte) error {
	r := obj.(mapRef)
	switch {
	case !isDataSection(r):
		return failf(abi.ErrNoent, "map %q has no initial bytes; it is no data section", r.m.Name)
	case uint64(len(v)) > uint64(r.m.ValueSize):
		return failf(abi.ErrRange, "%d bytes do not fit the %d of map %q", len(v), r.m.ValueSize, r.m.Name)
	case r.m.ValueSize > maxMapData:
		return failf(abi.ErrLimit, "map %q is too large to be given initial bytes", r.m.Name)
	}
	data := make([]byte, r.m.ValueSize)
	copy(data, v)
	r.m.Data = data
	return nil
}
