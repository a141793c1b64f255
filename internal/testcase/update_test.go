package testcase

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What comes of cases is written as what has to come of them. Comments and everything else stay.
func TestUpdate(t *testing.T) {
	before := `# top
object: netwatch.bpf.o
cases:
  # first
  - program: netwatch
    set: {cfg.limit: 5, cfg.tag: hi} # of the object
    packet: ` + frame + `
  - name: named
    program: netwatch
    maps: {sources: [{key: 10.0.0.1, value: 7}]}
    packet: "` + frame + `"
    want: # kept
      maps: {sources: [{key: 10.0.0.1, value: 0}, {key: 1.1.1.1, value: 1}]}
      vars: {reported: 9}
      events: {packets: []}
`
	after := `# top
object: netwatch.bpf.o
cases:
  # first
  - program: netwatch
    set: {cfg.limit: 5, cfg.tag: hi} # of the object
    packet: ` + frame + `
    want:
      return: XDP_PASS
      packet: same
      vars:
        reported: 1
      events:
        packets:
          - {flow: {source: 192.0.2.1, dest: 192.0.2.2, port: 53}, length: 28, proto: 17, fragment: 0, options: 5, marked: false, verdict: SEEN, tag: "hi", delta: 0, mac: "ffffffffffff", ports: [0, 53], seen: 9223372036854775808}
  - name: named
    program: netwatch
    maps: {sources: [{key: 10.0.0.1, value: 7}]}
    packet: "` + frame + `"
    want: # kept
      return: XDP_PASS
      maps:
        sources:
          - {key: 10.0.0.1, value: 7}
          - {key: 1.1.1.1, value: null}
      vars:
        reported: 0
      events:
        packets:
          - {flow: {source: 192.0.2.1, dest: 192.0.2.2, port: 53}, length: 28, proto: 17, fragment: 0, options: 5, marked: false, verdict: SEEN, tag: "none", delta: 0, mac: "ffffffffffff", ports: [0, 53], seen: 9223372036854775808}
`
	f, err := load(t, before)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Update(Machine{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(after, string(got)); d != "" {
		t.Error(d)
	}
	for i, o := range outcomes(t, string(got), Machine{}) {
		if !o.Passed() {
			t.Errorf("case %d: %+v", i+1, o)
		}
	}
}

// A fault is written as one.
func TestUpdateFault(t *testing.T) {
	f, err := load(t, "object: execwatch.bpf.o\ncases:\n  - name: a\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Update(Machine{})
	if want := "object: execwatch.bpf.o\ncases:\n  - name: a\n    want:\n      fault: past the context\n"; err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}
