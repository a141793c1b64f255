package report

import (
	"encoding/json"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestCheckErrors(t *testing.T) {
	c := &spec.Collection{License: "a\x00", Programs: []*spec.Program{
		{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(spec.Insn{Insn: asm.Exit()}, spec.Insn{Insn: asm.LoadMap(asm.R1, "m")})},
	}}
	b, err := json.Marshal(CheckErrors(c.CheckAll()))
	want := `[{"object":"collection","name":"","insn":-1,"text":"license \"a\\x00\" has a NUL or is longer than 127 bytes"},` +
		`{"object":"program","name":"p","insn":1,"text":"map \"m\" does not exist"}]`
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
}
