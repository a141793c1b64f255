package plan

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
)

// TestPins shows pins on the lines of their maps, and saves what does not change by itself.
func TestPins(t *testing.T) {
	yes, no := true, false
	own := policy.Pin{Path: "/p/sha256-ab/m", Owner: "sha256-ab"}
	for _, tt := range []struct {
		pin        Pin
		text, json string
	}{
		{Pin{Pin: own}, "pin /p/sha256-ab/m (its own, not known whether it exists)", `{"path":"/p/sha256-ab/m","owner":"sha256-ab"}`},
		{Pin{Pin: own, Exists: &no}, "pin /p/sha256-ab/m (its own, new)", `{"path":"/p/sha256-ab/m","owner":"sha256-ab","exists":false}`},
		{Pin{Pin: policy.Pin{Path: "/p/shared/m", Shared: true}, Exists: &yes}, "pin /p/shared/m (shared with other plugins, exists, and is used)",
			`{"path":"/p/shared/m","shared":true,"exists":true}`},
		{Pin{Pin: policy.Pin{Owner: "sha256-ab"}}, "cannot be pinned", `{"path":"","owner":"sha256-ab"}`},
	} {
		after := &spec.Collection{Maps: []*spec.Map{
			{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Pinning: spec.PinByName},
			{Name: "n", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		}}
		p := &Plan{Objects: []Object{{Name: "o", After: after, Pins: map[string]Pin{"m": tt.pin}}}}
		var b bytes.Buffer
		if err := p.WriteText(&b, TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "320 B  "+tt.text+"\n") || strings.Count(b.String(), "pin") != 1 {
			t.Errorf("got\n%s\nwant %s", &b, tt.text)
		}
		doc, err := p.MarshalJSON()
		if err != nil || !bytes.Contains(doc, []byte(`"change":"","pin":`+tt.json+"}")) {
			t.Errorf("got %s, %v\nwant %s", doc, err, tt.json)
		}
		saved, err := Save(p, *inputs(func(*Inputs) {}))
		if err != nil || bytes.Contains(saved, []byte(`"exists"`)) {
			t.Fatalf("saved %s, %v", saved, err)
		}
		s, err := LoadSaved(saved)
		if err != nil {
			t.Fatal(err)
		}
		p.Objects[0].Pins["m"] = Pin{Pin: tt.pin.Pin, Exists: &yes}
		if err := s.Same(p); err != nil {
			t.Errorf("made in the meantime: %v", err)
		}
		p.Objects[0].Pins["m"] = Pin{Pin: policy.Pin{Path: "/other"}}
		if err := s.Same(p); err == nil {
			t.Error("another pin is the same plan")
		}
	}
}
