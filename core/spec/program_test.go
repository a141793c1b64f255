package spec

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

func TestCode(t *testing.T) {
	p := program(t, ".func main\nr1 = func[cb] ll\ncall sub\ncall sub\nif r0 == 0 goto L1\nL1:\nexit\n.func sub\nL2:\nif r1 == 0 goto L2\nexit\n.func cb\nexit")
	before := p.Clone()
	code, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	want := "\tr1 = label[L3] ll\n\tcall L2\n\tcall L2\n\tif r0 == 0 goto L1\nL1:\n\texit\nL2:\n\tif r1 == 0 goto L2\n\texit\nL3:\n\texit\n"
	if got := string(asm.AppendText(nil, code, asm.TextOptions{})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := asm.AppendEncode(nil, code, asm.EncodeOptions{}); err != nil {
		t.Errorf("encode: %v", err)
	}
	if changedInsns(before, p) != nil || p.Insns.read()[p.Insns.Len()-1].Label != 0 {
		t.Error("Code changed the program")
	}
	p.Insns.private()[1].Symbol = "none"
	if _, err := p.Resolve(); err == nil || !strings.Contains(err.Error(), `instruction 1 refers to function "none"`) {
		t.Errorf("got %v", err)
	}
	p.Insns.private()[3].Func = &btf.FuncInfo{Name: "sub"}
	if _, err := p.Resolve(); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("got %v", err)
	}
}

func TestNewLabel(t *testing.T) {
	for text, want := range map[string]asm.Label{
		".func main\nexit":                                                1,
		".func main\nL7: goto L7":                                         8,
		".func main\nL2147483646: goto L2147483646":                       2147483647,
		".func main\nL2147483647: goto L2147483647":                       2147483648, // the gap above is larger
		".func main\nL4294967295: goto L4294967295":                       1,
		".func main\nL1: goto L1\nL4294967295: exit":                      2,
		".func main\nL9: goto L9\nL3000000000: r0 = 1\nL4294967294: exit": 10,
	} {
		p := program(t, text)
		if got := p.NewLabel(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	p := program(t, ".func main\ncall g\nL4294967295: goto L4294967295\n.func g\nr0 = 0\nexit")
	code, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asm.AppendEncode(nil, code, asm.EncodeOptions{}); err != nil {
		t.Error(err)
	}
}

func TestPlaces(t *testing.T) {
	p := program(t, twoFuncs)
	p.Insns.private()[1].Line = &btf.LineInfo{Line: 7}
	if f, at := p.FuncAt(8); f.Name != "helper" || at != 6 {
		t.Errorf("FuncAt gave %v, %d", f, at)
	}
	if f, at := p.FuncAt(100); f.Name != "helper" || at != 6 {
		t.Errorf("FuncAt behind the end gave %v, %d", f, at)
	}
	if l := p.LineAt(5); l == nil || l.Line != 7 {
		t.Errorf("LineAt gave %v", l)
	}
	if l := p.LineAt(7); l != nil {
		t.Errorf("LineAt reached into another function: %v", l)
	}
	if p.LineAt(0) != nil || p.FindFunc("helper") != 6 || p.FindFunc("x") != -1 || p.FindLabel(2) != 6 || p.FindLabel(0) != -1 || p.FindLabel(9) != -1 {
		t.Error("a place is wrong")
	}
	if p.NewLabel() != 3 {
		t.Errorf("NewLabel gave %d", p.NewLabel())
	}
	p.LabelNames = map[asm.Label]string{8: "named"}
	if p.NewLabel() != 9 {
		t.Errorf("NewLabel gave %d", p.NewLabel())
	}
}
