package guest

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
)

// handlesOf opens one of everything in the test object.
func handlesOf(t *testing.T, x *fake, obj uint32) map[abi.Kind]uint32 {
	t.Helper()
	out := map[abi.Kind]uint32{abi.KindObject: obj}
	for _, k := range []abi.Kind{abi.KindProgram, abi.KindMap, abi.KindVar, abi.KindAttach} {
		out[k] = x.ok(t, "at", x.At(obj, k, 0))
	}
	return out
}

// Every number that can be written while planning reads back as it was written, and is in the log.
func TestPropertyRoundTrip(t *testing.T) {
	for _, def := range abi.Properties() {
		if def.Write&abi.PhasePlan == 0 || def.Type == abi.PlainBytes {
			continue
		}
		t.Run(def.FullName(), func(t *testing.T) {
			x, obj := planning(t)
			h := handlesOf(t, x, obj)[def.Kind]
			if def.Type.Numeric() {
				x.ok(t, "set_u", x.SetU(h, def.ID(), 1))
				if v, rc := x.GetU(h, def.ID()); v != 1 || rc != 0 {
					t.Errorf("get_u = %d, %d; want 1", v, rc)
				}
				if def.Type != abi.Number || def.Num == 7 && def.Kind == abi.KindMap || def.Name == "cookie" {
					return
				}
				errnoIn(t, "a number of 33 bits", x.SetU(h, def.ID(), 1<<32), abi.ErrRange)
				return
			}
			x.ok(t, "set_b", x.SetB(h, def.ID(), []byte("new")))
			buf := make([]byte, 8)
			if n := x.GetB(h, def.ID(), buf); n != 3 || string(buf[:3]) != "new" {
				t.Errorf("get_b = %d, %q", n, buf)
			}
			last := x.tx.Edits[len(x.tx.Edits)-1]
			if last.What != def.Name || last.New != "new" || last.Object != "drops" {
				t.Errorf("the log ends with %+v", last)
			}
			errnoIn(t, "two lines", x.SetB(h, def.ID(), []byte("a\nb")), abi.ErrInval)
		})
	}
}

func TestPropertyMisuse(t *testing.T) {
	x, obj := planning(t)
	h := handlesOf(t, x, obj)
	get := func(h uint32, id abi.Prop) int32 { _, rc := x.GetU(h, id); return rc }
	errnoIn(t, "unknown property", get(h[abi.KindMap], 0x04ff), abi.ErrNosup)
	errnoIn(t, "property of another kind", get(h[abi.KindMap], abi.PropProgramType), abi.ErrKind)
	errnoIn(t, "number read as bytes", x.GetB(h[abi.KindMap], abi.PropMapType, nil), abi.ErrInval)
	errnoIn(t, "bytes read as number", get(h[abi.KindMap], abi.PropMapName), abi.ErrInval)
	errnoIn(t, "bytes written as number", x.SetU(h[abi.KindMap], abi.PropMapName, 1), abi.ErrInval)
	errnoIn(t, "read-only number", x.SetU(h[abi.KindProgram], abi.PropProgramInsnCount, 1), abi.ErrPerm)
	errnoIn(t, "read-only bytes", x.SetB(h[abi.KindVar], abi.PropVarName, []byte("n")), abi.ErrPerm)
	errnoIn(t, "no such map type", x.SetU(h[abi.KindMap], abi.PropMapType, 9999), abi.ErrRange)
	errnoIn(t, "neither true nor false", x.SetU(h[abi.KindAttach], abi.PropAttachOptional, 2), abi.ErrRange)
	errnoIn(t, "plugin's name while planning", x.SetB(x.ok(t, "self", x.Self()), abi.PropPluginName, []byte("n")), abi.ErrPhase)
	errnoIn(t, "empty program name", x.SetB(h[abi.KindProgram], abi.PropProgramName, nil), abi.ErrInval)
	if x.last.err.prop != abi.PropProgramName || x.last.err.handle != h[abi.KindProgram] {
		t.Errorf("err_info is about handle %#x, property %#x", x.last.err.handle, x.last.err.prop)
	}
	errnoIn(t, "name of a data section", x.SetB(x.ok(t, "at", x.At(obj, abi.KindMap, 1)), abi.PropMapName, []byte("n")), abi.ErrState)
	x.ok(t, "add", x.Add(obj, abi.KindMap, []byte("taken")))
	errnoIn(t, "name that is taken", x.SetB(h[abi.KindMap], abi.PropMapName, []byte("taken")), abi.ErrExist)
}

func TestPropertyNeeded(t *testing.T) {
	x, obj := planning(t)
	prog := x.ok(t, "at", x.At(obj, abi.KindProgram, 0))
	small := bytes.Repeat([]byte{0xee}, 5)
	if n := x.GetB(prog, abi.PropProgramName, small); n != 11 || !bytes.Equal(small, bytes.Repeat([]byte{0xee}, 5)) {
		t.Errorf("get_b into 5 bytes = %d, %q; want 11 and nothing written", n, small)
	}
}

func TestPropertyRename(t *testing.T) {
	x, obj := planning(t)
	o := x.tx.Objects[0]
	prog := x.ok(t, "at", x.At(obj, abi.KindProgram, 0))
	x.ok(t, "set_b", x.SetB(prog, abi.PropProgramName, []byte("renamed")))
	if o.Work.Attach[0].Program != "renamed" {
		t.Errorf("the attachment is of %q", o.Work.Attach[0].Program)
	}
	if n := x.Count(prog, abi.KindAttach); n != 1 {
		t.Errorf("the program has %d attachments after it was renamed, want 1", n)
	}
}

func TestPropertyMapData(t *testing.T) {
	x, obj := planning(t)
	data := x.ok(t, "at", x.At(obj, abi.KindMap, 1))
	plain := x.ok(t, "at", x.At(obj, abi.KindMap, 0))
	x.ok(t, "set_b", x.SetB(data, abi.PropMapData, []byte{1, 2, 3}))
	buf := make([]byte, 32)
	if n := x.GetB(data, abi.PropMapData, buf); n != 16 || !bytes.Equal(buf[:4], []byte{1, 2, 3, 0}) {
		t.Errorf("get_b = %d, %x", n, buf)
	}
	errnoIn(t, "more than the section has", x.SetB(data, abi.PropMapData, make([]byte, 17)), abi.ErrRange)
	errnoIn(t, "data of a plain map", x.SetB(plain, abi.PropMapData, []byte{1}), abi.ErrNoent)
	errnoIn(t, "data of a plain map", x.GetB(plain, abi.PropMapData, nil), abi.ErrNoent)
	errnoIn(t, "cut off a variable", x.SetU(data, abi.PropMapValueSize, 8), abi.ErrInval)
	x.ok(t, "grow", x.SetU(data, abi.PropMapValueSize, 24))
	if m := x.tx.Objects[0].Work.Map(".rodata"); len(m.Data) != 24 || m.Data[1] != 2 {
		t.Errorf("the section has the bytes %x after it grew to 24", m.Data)
	}
}

// What the policy denies is refused where it is asked for, with the rule.
func TestPropertyPolicy(t *testing.T) {
	x, obj := planning(t)
	x.rights.policy = denying(t, "objects: {\"*\": {edit: true}}\nprograms: {types: [xdp]}\nmaps: {types: [hash]}\nattach: {xdp: [\"veth*\"]}")
	h := handlesOf(t, x, obj)
	x.ok(t, "a type that is granted", x.SetU(h[abi.KindProgram], abi.PropProgramType, uint64(spec.ProgramXDP)))
	errnoIn(t, "a type that is not", x.SetU(h[abi.KindProgram], abi.PropProgramType, uint64(spec.ProgramKprobe)), abi.ErrPerm)
	errnoIn(t, "a map type that is not", x.SetU(h[abi.KindMap], abi.PropMapType, uint64(spec.MapArray)), abi.ErrPerm)
	x.ok(t, "a target that is granted", x.SetB(h[abi.KindAttach], abi.PropAttachTarget, []byte("veth0")))
	errnoIn(t, "a target that is not", x.SetB(h[abi.KindAttach], abi.PropAttachTarget, []byte("eth0")), abi.ErrPerm)
	record := make([]byte, 512)
	n := x.ErrInfo(record)
	var info abi.ErrInfo
	info.Get(record)
	if abi.Errno(info.Code) != abi.ErrPerm || !bytes.Contains(record[:n], []byte("test.yaml:4")) {
		t.Errorf("err_info = %+v %q", info, record[abi.ErrInfoSize:n])
	}
}

func TestErrInfo(t *testing.T) {
	x := newFake(t, abi.PhasePlan)
	b := make([]byte, 256)
	if n := x.ErrInfo(b); n != abi.ErrInfoSize || binary.LittleEndian.Uint32(b[4:]) != 0 {
		t.Errorf("without an error: %d bytes, code %d", n, binary.LittleEndian.Uint32(b[4:]))
	}
	errnoIn(t, "handle_kind", x.HandleKind(77), abi.ErrBadh)
	n := x.ErrInfo(b)
	var info abi.ErrInfo
	info.Get(b)
	if f := abi.FuncID(info.Func); f != abi.FuncHandleKind || info.Insn != -1 || string(b[abi.ErrInfoSize:n]) != "handle 0x4d is not open" {
		t.Errorf("err_info = %+v of %s, %q", info, f, b[abi.ErrInfoSize:n])
	}
	if again := x.ErrInfo(b[:abi.ErrInfoSize+6]); again != n || string(b[abi.ErrInfoSize:abi.ErrInfoSize+6]) != "handle" {
		t.Errorf("a short buffer gets %d, want %d", again, n)
	}
	if need := x.ErrInfo(nil); need != n {
		t.Errorf("asking for the length = %d, want %d", need, n)
	}
	errnoIn(t, "no room for the record", x.ErrInfo(b[:8]), abi.ErrInval)
	if x.last.err.code != abi.ErrBadh {
		t.Error("err_info changed the last error")
	}
}

// Every property of the table works in the way in which the table says.
func TestPropertiesComplete(t *testing.T) {
	n := 0
	for _, def := range abi.Properties() {
		p, ok := implementation(def.ID())
		if !ok {
			t.Errorf("property %s has no implementation", def.FullName())
			continue
		}
		n++
		numeric, writable := def.Type.Numeric(), def.Write != 0
		if (p.getU != nil) != numeric || (p.getB != nil) == numeric {
			t.Errorf("property %s: numeric is %v, but its getter is of the other sort", def.FullName(), numeric)
		}
		if (p.setU != nil) != (numeric && writable) || (p.setB != nil) != (!numeric && writable) {
			t.Errorf("property %s: writable is %v, but its setter says otherwise", def.FullName(), writable)
		}
	}
	if have := len(declaredProperties) + len(plannedProperties) + len(liveMapProperties); have != n {
		t.Errorf("there are %d implementations for %d properties", have, n)
	}
}
