package spec

import "testing"

func TestProbe(t *testing.T) {
	returns := 0
	for p := range Probe(len(probeNames)) {
		if got, ok := ParseProbe(p.String()); !ok || got != p {
			t.Errorf("%v is read as %v, %v", p, got, ok)
		}
		if p.AtReturn() {
			returns++
		}
	}
	if returns != 3 {
		t.Errorf("%d probes are at a return", returns)
	}
	if got := Probe(99).String(); got != "probe(99)" {
		t.Error(got)
	}
	if _, ok := ParseProbe("probe"); ok {
		t.Error("an unknown name was accepted")
	}
	c := &Collection{Programs: []*Program{{Name: "p", Type: ProgramKprobe, Probe: ProbeKretprobe}}}
	again, err := Parse(c.String())
	if err != nil || again.Programs[0].Probe != ProbeKretprobe {
		t.Errorf("read again from text: %v\n%s", err, c)
	}
}
