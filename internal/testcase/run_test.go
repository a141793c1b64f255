package testcase

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/spec"
)

// outcomes runs all cases of a file.
func outcomes(t *testing.T, text string, p Place) []Outcome {
	t.Helper()
	f, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	var list []Outcome
	for _, c := range f.Cases {
		list = append(list, f.Run(c, p))
	}
	return list
}

// Each key of want is compared, and what differs is said.
func TestRun(t *testing.T) {
	for _, tt := range []struct {
		rest string   // of a case of netwatch on frame
		want []string // differences
	}{
		{"want: {return: XDP_PASS, packet: same, vars: {reported: 0}}", nil},
		{"want: {return: 2}", nil},
		{"want: {return: XDP_DROP}", []string{"returned XDP_PASS, want XDP_DROP"}},
		{"want: {return: -1}", []string{"returned XDP_PASS, want -1"}},
		{"want: {packet: 00}", []string{"packet differs at byte 0: is " + strings.ReplaceAll(frame, " ", "") + ", want 00"}},
		{"want: {fault: outside the packet}", []string{`returned XDP_PASS, want a fault "outside the packet"`}},
		{"set: {cfg.limit: 5}\n    want: {vars: {reported: 1}}", nil},
		{"set: {cfg.limit: 5}\n    want: {vars: {reported: 2}}", []string{"variable reported is 1, want 2"}},
		{"maps: {sources: [{key: 10.0.0.1, value: 7}]}\n    want: {maps: {sources: [{key: 10.0.0.1, value: 7}, {key: 10.0.0.2, value: null}]}}", nil},
		{"maps: {sources: [{key: 10.0.0.1, value: 7}]}\n    want: {maps: {sources: [{key: 10.0.0.1, value: 8}, {key: 10.0.0.2, value: 1}]}}",
			[]string{"map sources[10.0.0.1] is 7, want 8", "map sources[10.0.0.2]: there is no such entry"}},
		{"maps: {sources: [{key: 10.0.0.1, value: 7}]}\n    want: {maps: {sources: [{key: 10.0.0.1, value: null}]}}", []string{"map sources[10.0.0.1]: there is an entry, want none"}},
		{"want: {events: {packets: []}}", []string{"ring buffer packets has 1 records, want 0"}},
		{"want: {events: {packets: [{proto: 17, flow: {port: 53}}, {}]}}", []string{"ring buffer packets has 1 records, want 2"}},
		{"want: {events: {packets: [{proto: 6, flow: {port: 54, dest: 192.0.2.2}, ports: [0, 1], verdict: DROP, mac: 000000000000, tag: none}]}}", []string{
			"record 1 of packets proto is 17, want 6", "record 1 of packets flow.port is 53, want 54", "record 1 of packets ports[1] is 53, want 1",
			"record 1 of packets verdict is SEEN, want DROP", "record 1 of packets mac is ffffffffffff, want 000000000000",
		}},
		{"name: x", []string{"it does not say what has to come of it: the key want is missing; --update writes it"}},
	} {
		got := outcomes(t, "object: netwatch.bpf.o\ncases:\n  - program: netwatch\n    packet: "+frame+"\n    "+tt.rest+"\n", Machine{})[0]
		if d := cmp.Diff(tt.want, got.Differences); d != "" || got.Err != nil || got.Skipped != "" || got.Passed() != (tt.want == nil) {
			t.Errorf("%s: %+v\n%s", tt.rest, got, d)
		}
	}
}

// A program that the machine stops is a difference, unless the case wants that.
func TestRunFault(t *testing.T) {
	text := "object: execwatch.bpf.o\ncases:\n  - want: {return: 0}\n  - {name: b, want: {fault: past the context}}\n  - {name: c, want: {fault: stack}}\n"
	got := outcomes(t, text, Machine{})
	if len(got[0].Differences) != 1 || !strings.HasPrefix(got[0].Differences[0], "stopped: ") {
		t.Errorf("%+v", got[0])
	}
	if !got[1].Passed() {
		t.Errorf("%+v", got[1])
	}
	if len(got[2].Differences) != 1 || !strings.HasSuffix(got[2].Differences[0], `want a fault "stack"`) {
		t.Errorf("%+v", got[2])
	}
}

// A packet comes from a capture too.
func TestRunCapture(t *testing.T) {
	for number, want := range map[int]string{1: strings.Repeat("00", 60), 2: strings.Repeat("01", 60)} {
		text := fmt.Sprintf("object: netwatch.bpf.o\ncases: [{program: netwatch, packet: {pcap: two.pcap, number: %d}, want: {packet: \"%s\"}}]", number, want)
		if got := outcomes(t, text, Machine{})[0]; !got.Passed() {
			t.Errorf("%d: %+v", number, got)
		}
	}
}

// Without a way to run a case it is skipped; an error is one.
func TestRunElsewhere(t *testing.T) {
	text := "object: netwatch.bpf.o\ncases: [{program: netwatch, want: {return: 2}}]"
	if got := outcomes(t, text, elsewhere{fmt.Errorf("no: %w", ErrNotHere)})[0]; got.Skipped != "no: not possible here" || got.Passed() {
		t.Errorf("%+v", got)
	}
	fault := "object: netwatch.bpf.o\ncases: [{program: netwatch, want: {fault: x}}]"
	if got := outcomes(t, fault, elsewhere{fmt.Errorf("broken")})[0]; got.Skipped == "" || got.Err != nil {
		t.Errorf("%+v", got)
	}
	if got := outcomes(t, text, elsewhere{fmt.Errorf("broken")})[0]; got.Err == nil || got.Passed() {
		t.Errorf("%+v", got)
	}
}

// elsewhere is a place in which nothing runs.
type elsewhere struct{ err error }

func (e elsewhere) Faults() bool { return false }

func (e elsewhere) Open(*spec.Collection, string) (Session, error) { return nil, e.err }
