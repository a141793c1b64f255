package report

import (
	"encoding/json"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
)

func TestDiagnostic(t *testing.T) {
	b, err := json.Marshal(NewDiagnostic(lint.Diagnostic{
		Severity: lint.Error, Code: lint.CodeHelper, Kind: spec.ObjectProgram, Name: "p", Insn: 3, Text: "why",
	}))
	want := `{"severity":"error","code":"helper","object":"program","name":"p","insn":3,"file":"","line":0,"text":"why"}`
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
}
