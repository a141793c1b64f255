package report

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestCoreRelo(t *testing.T) {
	relo := btf.CoreRelo{Type: 7, Access: "0:1", Kind: btf.CoreByteSize}
	want := CoreRelo{Program: "p", Insn: 3, Count: 1, Kind: "byte_sz", Path: "0:1", Candidates: []Candidate{}}
	d := NewCoreRelo("p", 3, relo, nil)
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("without types, -want +have:\n%s", diff)
	}
	d.SetResult(spec.CoreResult{Err: errors.New("why"), CoreResult: btf.CoreResult{Found: []btf.Candidate{{Type: 2, Match: true, Value: 1<<64 - 1}}}})
	want.Outcome, want.Error, want.Candidates = "cannot be loaded: why", "why", []Candidate{{2, true, -1}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("-want +have:\n%s", diff)
	}
}
