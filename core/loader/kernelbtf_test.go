package loader

import (
	"bytes"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
)

func typedProgram(t *testing.T) (*btf.Types, *spec.Program) {
	t.Helper()
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	proto := b.Add(&btf.FuncProto{Return: number})
	main := b.Add(&btf.Func{Name: "main", Type: proto, Linkage: btf.LinkGlobal})
	sub := b.Add(&btf.Func{Name: "sub", Type: proto})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	p := program("typed", asm.LoadImm64(asm.R1, 1), asm.CallFunc("sub"), asm.Exit(), asm.Mov64Imm(asm.R0, 4), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[0].Func = &btf.FuncInfo{Name: "main", Type: main} })
	p.Insns.Edit(func(in []spec.Insn) { in[0].Line = btf.NewLineInfo("new.c", "\tsub(1);", 3, 2) })
	p.Insns.Edit(func(in []spec.Insn) { in[3].Func = &btf.FuncInfo{Name: "sub", Type: sub} })
	p.Insns.Edit(func(in []spec.Insn) { in[3].Line = btf.NewLineInfo("new.c", "main", 8, 5000) })
	return types, p
}

func TestAddLines(t *testing.T) {
	types, p := typedProgram(t)
	raw, _, err := types.ForKernel(btf.KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &kernelBTF{b: bytes.Clone(raw)}
	b.addLines([]*spec.Program{p})
	from, to, ok := b.section()
	if !ok {
		t.Fatal("no string section at the end")
	}
	strings := b.b[from:to]
	for text, off := range b.texts {
		if !bytes.HasPrefix(strings[off:], append([]byte(text), 0)) {
			t.Errorf("%q is not at %d", text, off)
		}
	}
	// "main" is the name of a function, so its text is there already.
	if added := len(b.b) - len(raw); added != len("new.c")+len("\tsub(1);")+2 {
		t.Errorf("%d bytes were added", added)
	}
	again, err := btf.Parse(b.b, btf.Options{})
	if err != nil || again.Len() != types.Len() {
		t.Errorf("the result cannot be read: %v", err)
	}
}

func TestInfos(t *testing.T) {
	_, p := typedProgram(t)
	code, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	slots, err := asm.Layout(code, asm.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := &kernelBTF{texts: map[string]uint32{"new.c": 10, "\tsub(1);": 20, "main": 30}}
	funcs, lines := b.infos(&prepared{Program: &bind.Program{Spec: p, Code: code}, slots: slots})
	if want := words(0, 3, 4, 4); !bytes.Equal(funcs, want) {
		t.Errorf("functions %v, want %v", funcs, want)
	}
	if want := words(0, 10, 20, 3<<10|2, 4, 10, 30, 8<<10|1023); !bytes.Equal(lines, want) {
		t.Errorf("lines %v, want %v", lines, want)
	}
	far := []asm.Slot{0, 2, 4, 7, 8, 9}[:len(slots)] // as if a condition before the function had to go by way of a gotol
	if funcs, _ := b.infos(&prepared{Program: &bind.Program{Spec: p, Code: code}, slots: far}); !bytes.Equal(funcs, words(0, 3, 7, 4)) {
		t.Errorf("functions of a program that was stretched: %v", funcs)
	}
	p.Insns.Edit(func(in []spec.Insn) { in[3].Line = nil }) // the kernel wants a line at each function
	if funcs, lines := b.infos(&prepared{Program: &bind.Program{Spec: p, Code: code}, slots: slots}); funcs == nil || lines != nil {
		t.Errorf("a function without a line: %v, %v", funcs, lines)
	}
	p.Insns.Edit(func(in []spec.Insn) { in[3].Func = &btf.FuncInfo{Name: "sub"} }) // and types of all functions
	if funcs, lines := b.infos(&prepared{Program: &bind.Program{Spec: p, Code: code}, slots: slots}); funcs != nil || lines != nil {
		t.Errorf("a function without a type: %v, %v", funcs, lines)
	}
}

func words(ws ...uint32) []byte {
	var b []byte
	for _, w := range ws {
		b = native.AppendUint32(b, w)
	}
	return b
}

func TestTypedProgram(t *testing.T) {
	types, p := typedProgram(t)
	c := collection([]*spec.Program{p})
	c.BTF = types
	got := loadT(t, c, Options{})
	i, err := got.Program("typed").Info()
	if err != nil || i.BTF == 0 || i.Funcs != 2 || i.Lines != 2 {
		t.Errorf("%+v, %v", i, err)
	}
	if n := got.Notes(); len(n) != 0 {
		t.Errorf("notes %v", n)
	}
}

func TestTruncatedKernelBTF(t *testing.T) {
	b := &kernelBTF{b: make([]byte, 10)}
	b.addLines([]*spec.Program{{Insns: spec.NewInsns(spec.Insn{Line: btf.NewLineInfo("a", "", 0, 0)})}})
	if len(b.b) != 10 {
		t.Error("something was added to what is no BTF")
	}
}

// TestNewerTypes loads types that Linux 5.10 does not know: it gets simpler ones with the same ids.
func TestNewerTypes(t *testing.T) {
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	main := b.Add(&btf.Func{Name: "main", Type: b.Add(&btf.FuncProto{Return: number}), Linkage: btf.LinkGlobal})
	b.Add(&btf.Float{Name: "double", Size: 8})
	b.Add(&btf.DeclTag{Tag: "here", Type: main, Component: -1})
	b.Add(&btf.Pointer{Type: b.Add(&btf.TypeTag{Tag: "user", Type: number})})
	b.Add(&btf.Enum{Name: "wide", Size: 8, Wide: true, Values: []btf.Enumerator{{Name: "W", Value: 1 << 40}}})
	b.Add(&btf.Enum{Name: "low", Size: 4, Signed: true, Values: []btf.Enumerator{{Name: "L", Value: 1<<64 - 1}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	p := program("typed", asm.Mov64Imm(asm.R0, 0), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[0].Func = &btf.FuncInfo{Name: "main", Type: main} })
	p.Insns.Edit(func(in []spec.Insn) { in[0].Line = btf.NewLineInfo("new.c", "\treturn 0;", 3, 2) })
	c := collection([]*spec.Program{p})
	c.BTF = types
	got := loadT(t, c, Options{})
	i, err := got.Program("typed").Info()
	if err != nil || i.BTF == 0 || i.Funcs != 1 || i.Lines != 1 {
		t.Errorf("%+v, %v", i, err)
	}
	for _, n := range got.Notes() {
		if n.Code != "L02" {
			t.Errorf("note %v", n)
		}
	}

	// Whatever a kernel lacks, what it gets then is accepted.
	raw, _, err := types.ForKernel(btf.KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for lacks := range btf.AllFeatures + 1 {
		plain, note, err := plainTypes(raw, func(btf.Feature) btf.Feature { return btf.AllFeatures &^ lacks })
		if err != nil {
			t.Fatal(err)
		}
		if uses := types.Features() & lacks; (uses != 0) != (plain != nil) {
			t.Fatalf("without %v: %d bytes", uses, len(plain))
		}
		if plain == nil || lacks&btf.FeatureFunc != 0 && lacks&btf.FeatureDeclTag == 0 {
			continue // no kernel knows tags but not functions, which they are on
		}
		if own := NewKernel().TypeFeatures(btf.AllFeatures); types.Features()&^own&^lacks != 0 {
			continue // this kernel lacks more
		}
		if !loadsTypes(plain) {
			t.Errorf("without %v: refused after %v", lacks, note)
		}
	}
}

// loadsTypes reports whether the kernel accepts the bytes of a BTF object.
func loadsTypes(b []byte) bool {
	fd, err := sys.LoadBTF(&sys.BTFLoad{BTF: sys.BytesPointer(b), Size: uint32(len(b))})
	if err != nil {
		return false
	}
	fd.Close()
	return true
}

// TestSectionsOfOneName loads two data sections of one name, as collections that were made of two
// objects have them. Each is laid out as its map is.
func TestSectionsOfOneName(t *testing.T) {
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	v := func(name string) btf.SecVar {
		return btf.SecVar{Type: b.Add(&btf.Var{Name: name, Type: number, Linkage: btf.LinkGlobal}), Size: 4}
	}
	first := b.Add(&btf.Datasec{Name: ".data", Vars: []btf.SecVar{v("one"), v("two")}})
	second := b.Add(&btf.Datasec{Name: ".data", Vars: []btf.SecVar{v("three")}})
	c := collection(nil,
		&spec.Map{Name: "a.data", Section: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Value: first, Data: make([]byte, 8)},
		&spec.Map{Name: "b.data", Section: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Value: second})
	c.Vars = []*spec.Var{
		{Name: "one", Section: ".data", Map: "a.data", Offset: 4, Size: 4, Type: number},
		{Name: "two", Section: ".data", Map: "a.data", Size: 4, Type: number},
		{Name: "three", Section: ".data", Map: "b.data", Offset: 12, Size: 4, Type: number},
	}
	var err error
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
	got := loadT(t, c, Options{})
	if n := got.Notes(); len(n) != 0 {
		t.Errorf("notes %v", n)
	}
	for _, m := range c.Maps {
		if i, err := got.Map(m.Name).Info(); err != nil || i.BTF == 0 {
			t.Errorf("map %s: types are BTF object %d, %v", m.Name, i.BTF, err)
		}
	}
}

// TestLostSection loads a program whose data section has types that the kernel would refuse: two
// variables at one place. Only that section goes without.
func TestLostSection(t *testing.T) {
	types, p := typedProgram(t)
	b := btf.Builder{Base: nil}
	for _, typ := range types.All() {
		b.Add(typ)
	}
	number := btf.ID(1)
	v := func(name string) btf.ID {
		return b.Add(&btf.Var{Name: name, Type: number, Linkage: btf.LinkGlobal})
	}
	data := b.Add(&btf.Datasec{Name: ".data", Size: 8, Vars: []btf.SecVar{{Type: v("one"), Size: 4}, {Type: v("two"), Size: 4}}})
	bss := b.Add(&btf.Datasec{Name: ".bss", Size: 4, Vars: []btf.SecVar{{Type: v("three"), Size: 4}}})
	c := collection([]*spec.Program{p},
		&spec.Map{Name: ".data", Section: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Value: data, Data: make([]byte, 8)},
		&spec.Map{Name: ".bss", Section: ".bss", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Value: bss})
	var err error
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
	got := loadT(t, c, Options{})
	const want = `the types of section ".data" are left out: types cannot be loaded: variable "two" at 0 overlaps "one"`
	if n := got.Notes(); len(n) != 1 || n[0].Code != "L08" || n[0].Text != want {
		t.Errorf("notes %v", n)
	}
	for name, typed := range map[string]bool{".data": false, ".bss": true} {
		if i, err := got.Map(name).Info(); err != nil || (i.BTF != 0) != typed {
			t.Errorf("map %s: types are BTF object %d, %v", name, i.BTF, err)
		}
	}
	if i, err := got.Program("typed").Info(); err != nil || i.BTF == 0 || i.Funcs != 2 {
		t.Errorf("%+v, %v", i, err)
	}
}
