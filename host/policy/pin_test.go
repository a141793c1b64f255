package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
)

// TestOwner: another build of a signed plugin has the same pins, and nobody else has.
func TestOwner(t *testing.T) {
	keys := []signature.Key{"ed25519:a", "ed25519:b"}
	guard := Owner(digestA, keys[:1], "guard")
	for _, tt := range []struct {
		what, owner string
		same        bool
	}{
		{"another build", Owner(digestB, keys[:1], "guard"), true},
		{"signed by one more", Owner(digestA, keys, "guard"), true},
		{"another plugin of the signer", Owner(digestA, keys[:1], "other"), false},
		{"the same name by another signer", Owner(digestA, keys[1:], "guard"), false},
		{"not signed", Owner(digestA, nil, "guard"), false},
		{"name and key run together", Owner(digestA, []signature.Key{"ed25519:a\ngu"}, "ard"), false},
	} {
		if same := tt.owner == guard; same != tt.same {
			t.Errorf("%s: %s and %s", tt.what, tt.owner, guard)
		}
	}
	unsigned := map[string]bool{Owner(digestA, nil, "guard"): true, Owner(digestA, nil, "other"): true}
	if len(unsigned) != 1 || unsigned[Owner(digestB, nil, "guard")] || Owner("", nil, "guard") != "" {
		t.Error("a plugin that is not signed is known by its digest alone")
	}
	for o := range unsigned {
		if strings.ContainsAny(o, "./") { // which bpf file systems refuse
			t.Errorf("owner %q", o)
		}
	}
}

// TestPin resolves pins: what is accessed is what the plan and the loader get.
func TestPin(t *testing.T) {
	share := requests(t, "pin-share common*")
	own := "/sys/fs/bpf/bpfhost/" + Owner(digestA, nil, "") + "/"
	for _, tt := range []struct {
		f    Final
		name string
		want Pin
	}{
		{Final{SHA256: digestA}, "m", Pin{Path: own + "m", Owner: Owner(digestA, nil, "")}},
		{Final{SHA256: digestA, Requests: share}, "m", Pin{Path: own + "m", Owner: Owner(digestA, nil, "")}},
		{Final{SHA256: digestA, Requests: share}, "common_m", Pin{Path: "/sys/fs/bpf/bpfhost/shared/common_m", Shared: true}},
		{Final{SHA256: digestB, Requests: share, PinDir: "/p"}, "common_m", Pin{Path: "/p/shared/common_m", Shared: true}},
		{Final{SHA256: digestA}, "../" + Owner(digestB, nil, "") + "/m", Pin{Owner: Owner(digestA, nil, "")}},
		{Final{SHA256: digestA}, "a/b", Pin{Owner: Owner(digestA, nil, "")}},
		{Final{SHA256: digestA}, ".data", Pin{Owner: Owner(digestA, nil, "")}},
		{Final{}, "m", Pin{}},
	} {
		c := &spec.Collection{Maps: []*spec.Map{
			{Name: tt.name, Type: spec.MapArray, Pinning: spec.PinByName}, {Name: "private", Type: spec.MapArray},
		}}
		if d := cmp.Diff(map[string]Pin{tt.name: tt.want}, tt.f.Pins(c)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		tt.f.Collections = []Input{{Collection: c}}
		shared := false
		for _, a := range Accesses(tt.f) {
			shared = shared || a.Kind == KindPinShare && a.Name == tt.name
			if (a.Kind == KindPinRead || a.Kind == KindPinWrite) && a.Name != tt.want.Path {
				t.Errorf("%s: %s is evaluated, %q is used", tt.name, a, tt.want.Path)
			}
			if denied := !parse(t, "pins: {read: ['*'], write: ['*']}").Decision(nil, a).Allowed; a.Kind == KindPinWrite && denied != (tt.want.Path == "") {
				t.Errorf("%s: denied %v", a, denied)
			}
		}
		if shared != tt.want.Shared {
			t.Errorf("%s: evaluated as shared: %v", tt.name, shared)
		}
	}
}

// TestPinRequests asks for pins by the name of the map, whoever the owner is.
func TestPinRequests(t *testing.T) {
	pin := Access{Kind: KindPinWrite, Name: PinRoot + "/sha256-x/counts"}
	for text, want := range map[string]bool{
		"pin-write counts": true, "pin-write c*": true, "pin-write " + PinRoot + "/*": true, "pin-read counts": false,
		"pin-write sha256-x": false, "pin-share counts": false,
	} {
		if got := requests(t, text).asksFor(pin); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
