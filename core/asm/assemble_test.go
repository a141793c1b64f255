package asm_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestAssemble(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		o                asm.EncodeOptions
	}{
		{"nothing", "\n; nothing\n", "", asm.EncodeOptions{}},
		{"function by name", ".func a\ncall b\nexit\n.func b\nexit", "8510000001000000 9500000000000000 9500000000000000", asm.EncodeOptions{}},
		{"big-endian", ".func a\ncall b\nexit\n.func b\nexit", "8501000000000001 9500000000000000 9500000000000000", asm.EncodeOptions{Order: asm.BigEndian}},
		{"address of a function", ".func a\nr2 = func[b] ll\nexit\n.func b\nexit", "1842000002000000 0000000000000000 9500000000000000 9500000000000000", asm.EncodeOptions{}},
		{"function with the only label left", ".func a\nL1: call b\nL4294967295: exit\n.func b\nexit", "8510000001000000 9500000000000000 9500000000000000", asm.EncodeOptions{}},
		{"function twice by name", ".func a\ncall b\ncall b\nexit\n.func b\nexit", "8510000002000000 8510000001000000 9500000000000000 9500000000000000", asm.EncodeOptions{}},
	} {
		got, err := asm.Assemble(tt.text, tt.o)
		if want := strings.ReplaceAll(tt.want, " ", ""); err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: %x, %v; want %s", tt.name, got, err, want)
		}
	}
}

func TestAssembleErrors(t *testing.T) {
	far := strings.Repeat("r0 = 1\n", 40000)
	for _, tt := range []struct {
		text, want string
		o          asm.EncodeOptions
	}{
		{"exit\n bogus", `line 2:2: unknown instruction "bogus"`, asm.EncodeOptions{}},
		{".func a\nr0 = 1\n\tcall b\nexit", `line 3:2: function "b" is not defined`, asm.EncodeOptions{}},
		{".func a\nexit\n.func a\nr0 = 1\nexit", `line 4:1: function "a" is defined twice`, asm.EncodeOptions{}},
		{"exit\nL1: r1 = func[b] ll", `line 2:5: function "b" is not defined`, asm.EncodeOptions{}},
		{"exit\n\n  r1 = map[m] ll", `line 3:3: map "m" is a name that only a loader can resolve`, asm.EncodeOptions{}},
		{"r1 = value[m] + 8 ll", `line 1:1: value of map "m" is a name`, asm.EncodeOptions{}},
		{"r1 = var[v] ll", `line 1:1: variable "v" is a name`, asm.EncodeOptions{}},
		{"r1 = ksym[k] ll", `line 1:1: kernel symbol "k" is a name`, asm.EncodeOptions{}},
		{"3: (85) call kfunc[f]", `line 1:9: kernel function "f" is a name`, asm.EncodeOptions{}},
		{"L2: goto L1\n" + far + "L1: exit", `line 1:5: displacement +40000 to label L1 at insn 40001 does not fit 16 bits`, asm.EncodeOptions{NoGotol: true}},
	} {
		got, err := asm.Assemble(tt.text, tt.o)
		var e *asm.ParseError
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), tt.want) || got != nil {
			t.Errorf("%.40q: %x, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}

func ExampleAssemble() {
	code, err := asm.Assemble(`
		.func main
			call answer
			exit
		.func answer
			r0 = 42
			exit
	`, asm.EncodeOptions{})
	fmt.Printf("%x %v\n", code, err)
	// Output: 85100000010000009500000000000000b70000002a0000009500000000000000 <nil>
}
