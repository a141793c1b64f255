package guest

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// plannedProperties are the properties of what a plan is made of.
var plannedProperties = map[abi.Prop]property{
	abi.PropObjectName:    text(func(o *tx.Object) string { return o.Name }, nil),
	abi.PropObjectLicense: text(func(o *tx.Object) string { return o.Work.License }, (*tx.Object).SetLicense),

	abi.PropProgramName: text(func(r tx.ProgramRef) string { return r.Program.Name }, tx.ProgramRef.Rename),
	abi.PropProgramType: number(func(r tx.ProgramRef) uint64 { return uint64(r.Program.Type) },
		func(r tx.ProgramRef, v uint64) error { return tx.Put32(&r.Program.Type, v) }),
	abi.PropProgramAttachType: number(func(r tx.ProgramRef) uint64 { return uint64(r.Program.AttachType) },
		func(r tx.ProgramRef, v uint64) error { return tx.Put32(&r.Program.AttachType, v) }),
	abi.PropProgramAttachTo: text(func(r tx.ProgramRef) string { return r.Program.AttachTo },
		func(r tx.ProgramRef, v string) error { r.Program.AttachTo = v; return nil }),
	abi.PropProgramSection: text(func(r tx.ProgramRef) string { return r.Program.Section }, nil),
	abi.PropProgramFlags: number(func(r tx.ProgramRef) uint64 { return uint64(r.Program.Flags) },
		func(r tx.ProgramRef, v uint64) error { return tx.Put32(&r.Program.Flags, v) }),
	abi.PropProgramInsnCount: number(func(r tx.ProgramRef) uint64 { return uint64(r.Program.Insns.Len()) }, nil),
	abi.PropProgramOptional: number(func(r tx.ProgramRef) uint64 { return flag(r.Program.Optional) },
		func(r tx.ProgramRef, v uint64) error { r.Program.Optional = v != 0; return nil }),

	abi.PropMapName: text(func(r tx.MapRef) string { return r.Map.Name }, tx.MapRef.Rename),
	abi.PropMapType: number(func(r tx.MapRef) uint64 { return uint64(r.Map.Type) },
		func(r tx.MapRef, v uint64) error { return tx.Put32(&r.Map.Type, v) }),
	abi.PropMapKeySize: number(func(r tx.MapRef) uint64 { return uint64(r.Map.KeySize) }, tx.MapRef.SetKeySize),
	abi.PropMapValueSize: number(func(r tx.MapRef) uint64 { return uint64(r.Map.ValueSize) },
		tx.MapRef.SetValueSize),
	abi.PropMapMaxEntries: number(func(r tx.MapRef) uint64 { return uint64(r.Map.MaxEntries) },
		func(r tx.MapRef, v uint64) error { return tx.Put32(&r.Map.MaxEntries, v) }),
	abi.PropMapFlags: number(func(r tx.MapRef) uint64 { return uint64(r.Map.Flags) },
		func(r tx.MapRef, v uint64) error { return tx.Put32(&r.Map.Flags, v) }),
	abi.PropMapExtra: number(func(r tx.MapRef) uint64 { return r.Map.Extra },
		func(r tx.MapRef, v uint64) error { r.Map.Extra = v; return nil }),
	abi.PropMapPinning: number(func(r tx.MapRef) uint64 { return uint64(r.Map.Pinning) },
		func(r tx.MapRef, v uint64) error { return tx.Put32(&r.Map.Pinning, v) }),
	abi.PropMapData:    raw(tx.MapRef.Data, tx.MapRef.SetData),
	abi.PropMapSection: text(func(r tx.MapRef) string { return r.Map.Section }, nil),

	abi.PropVarName:    text(func(r tx.VarRef) string { return r.Var.Name }, nil),
	abi.PropVarMap:     text(func(r tx.VarRef) string { return r.Var.Map }, nil),
	abi.PropVarSize:    number(func(r tx.VarRef) uint64 { return uint64(r.Var.Size) }, nil),
	abi.PropVarOffset:  number(func(r tx.VarRef) uint64 { return uint64(r.Var.Offset) }, nil),
	abi.PropVarSection: text(func(r tx.VarRef) string { return r.Var.Section }, nil),

	abi.PropAttachProgram: text(func(r tx.AttachRef) string { return r.Get().Program }, nil),
	abi.PropAttachKind:    number(func(r tx.AttachRef) uint64 { return uint64(r.Get().Kind) }, nil),
	abi.PropAttachTarget: text(func(r tx.AttachRef) string { return r.Get().Target },
		func(r tx.AttachRef, v string) error { r.Get().Target = v; return nil }),
	abi.PropAttachNetns: text(func(r tx.AttachRef) string { return r.Get().Netns },
		func(r tx.AttachRef, v string) error { r.Get().Netns = v; return nil }),
	abi.PropAttachFlags: number(func(r tx.AttachRef) uint64 { return uint64(r.Get().Flags) },
		func(r tx.AttachRef, v uint64) error { return tx.Put32(&r.Get().Flags, v) }),
	abi.PropAttachCookie: number(func(r tx.AttachRef) uint64 { return r.Get().Cookie },
		func(r tx.AttachRef, v uint64) error { r.Get().Cookie = v; return nil }),
	abi.PropAttachOptional: number(func(r tx.AttachRef) uint64 { return flag(r.Get().Optional) },
		func(r tx.AttachRef, v uint64) error { r.Get().Optional = v != 0; return nil }),
}
