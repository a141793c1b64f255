package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requests parses requests that must be right.
func requests(t testing.TB, texts ...string) *Requests {
	t.Helper()
	w, err := ParseRequests(texts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestRequestsMatch(t *testing.T) {
	w := requests(t, "program xdp", "program ext", "map *hash*", "helper map_*", "helper bpf_send_signal", "helper *",
		"kfunc bpf_xdp_*", "attach xdp:veth*", "attach tracepoint:sched/*", "map-rw counts", "sleepable",
		"pin-read /sys/fs/bpf/bpfhost/*")
	for _, tt := range []struct {
		s    Access
		want bool
	}{
		{Access{Kind: KindProgram, Name: "xdp"}, true},
		{Access{Kind: KindProgram, Name: "ext"}, true},
		{Access{Kind: KindProgram, Name: "kprobe"}, false},
		{Access{Kind: KindRight, Name: RightFreplace}, true}, // comes with its type
		{Access{Kind: KindRight, Name: RightSleepable}, true},
		{Access{Kind: KindRight, Name: RightModifyReturn}, false},
		{Access{Kind: KindMap, Name: "lru_hash"}, true},
		{Access{Kind: KindMap, Name: "array"}, false},
		{Access{Kind: KindHelper, Name: "bpf_map_lookup_elem"}, true},
		{Access{Kind: KindHelper, Name: "bpf_send_signal"}, true},
		{Access{Kind: KindHelper, Name: "bpf_probe_write_user"}, false}, // no wildcard matches it
		{Access{Kind: KindHelper, Name: "#500"}, false},
		{Access{Kind: KindKfunc, Name: "bpf_xdp_metadata_rx_hash"}, true},
		{Access{Kind: KindKfunc, Name: "xdp_metadata_rx_hash"}, false}, // the short form is for helpers
		{Access{Kind: KindAttach, Name: "xdp:veth0"}, true},
		{Access{Kind: KindAttach, Name: "xdp:eth0"}, false},
		{Access{Kind: KindAttach, Name: "tcx:veth0"}, false},
		{Access{Kind: KindAttach, Name: "tracepoint:sched/sched_switch"}, true},
		{Access{Kind: KindMapRW, Name: "counts"}, true},
		{Access{Kind: KindMapRW, Name: "other"}, false},
		{Access{Kind: KindObjectEdit, Name: "drops"}, false},
		{Access{Kind: KindPinRead, Name: "/sys/fs/bpf/bpfhost/x"}, true},
		{Access{Kind: KindPinWrite, Name: "/sys/fs/bpf/bpfhost/x"}, false},
		{Access{Kind: KindNetns, Name: "/run/netns/a"}, true}, // need not be asked for
		{Access{Kind: KindMaps, Value: 9}, true},
	} {
		if got := w.matches(tt.s); got != tt.want {
			t.Errorf("%s: %v", tt.s, got)
		}
		if !(*Requests)(nil).matches(tt.s) {
			t.Errorf("no requests at all do not match %s", tt.s)
		}
	}
	if d := cmp.Diff([]string{"object edit"}, requests(t, "object edit").Texts()); d != "" {
		t.Error(d)
	}
}

// A kernel function that is in no class may be one of a newer kernel.
func TestRequestsNotes(t *testing.T) {
	r := requests(t, "kfunc bpf_task_from_pdi", "kfunc bpf_task_from_pid___x", "kfunc bpf_*", "helper #250")
	want := []string{"request of kfunc bpf_task_from_pdi is not known to this version, did you mean bpf_task_from_pid?"}
	if d := cmp.Diff(want, r.Notes()); d != "" {
		t.Error(d)
	}
	if (*Requests)(nil).Notes() != nil {
		t.Error("no requests have notes")
	}
}

// TestRequestsAttachAny asks for hooks of every kind.
func TestRequestsAttachAny(t *testing.T) {
	for text, want := range map[string][2]bool{
		"attach *": {true, true}, "attach *:*": {true, true}, "attach *:veth*": {true, false}, "attach xdp:*": {true, false},
	} {
		r := requests(t, text)
		xdp, probe := r.matches(Access{Kind: KindAttach, Name: "xdp:veth0"}), r.matches(Access{Kind: KindAttach, Name: "kprobe:do_exit"})
		if xdp != want[0] || probe != want[1] {
			t.Errorf("%s: xdp %v, kprobe %v, want %v", text, xdp, probe, want)
		}
	}
}

func TestParseRequestsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "it starts with no known word",
		"fly":                             "it starts with no known word",
		"object":                          "it starts with no known word",
		"object edit drops":               "it starts with no known word",
		"sleepable x":                     "it starts with no known word",
		"helper":                          "a name or pattern is missing",
		"helper ":                         "a name or pattern is missing",
		"helper  x":                       "pattern has spaces around it",
		"helper a\x1b":                    "characters that cannot be shown",
		"attach xdp":                      "want attach KIND:TARGET",
		"attach xdp:":                     "want attach KIND:TARGET",
		"attach fly:x":                    "there is no kind of hook fly",
		"attach xpd:*":                    "did you mean \"xdp\"?",
		"attach :x":                       "want attach KIND:TARGET",
		"helpre bpf_loop":                 "no known word, did you mean helper?",
		"helper map_lookup_elme":          "there is no helper map_lookup_elme, did you mean bpf_map_lookup_elem?",
		"helper !bpf_foo":                 "there is no helper",
		"map hsah":                        "there is no map type hsah, did you mean hash?",
		"program xpd":                     "there is no program type xpd, did you mean xdp?",
		"attach *:":                       "want attach KIND:TARGET",
		"attach **":                       "want attach KIND:TARGET",
		"attach *: x":                     "pattern has spaces around it",
		"map " + strings.Repeat("x", 257): "pattern has 257 bytes, the limit is 256",
	} {
		_, err := ParseRequests([]string{"program xdp", text})
		if err == nil || !strings.HasPrefix(err.Error(), "read request ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
