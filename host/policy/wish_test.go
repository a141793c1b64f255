package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wishes parses wishes that must be right.
func wishes(t testing.TB, texts ...string) *Wishes {
	t.Helper()
	w, err := ParseWishes(texts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWishesCover(t *testing.T) {
	w := wishes(t, "program xdp", "program ext", "map *hash*", "helper map_*", "helper bpf_send_signal", "helper *",
		"kfunc bpf_xdp_*", "attach xdp:veth*", "attach tracepoint:sched/*", "map-rw counts", "sleepable",
		"pin-read /sys/fs/bpf/bpfhost/*")
	for _, tt := range []struct {
		s    Subject
		want bool
	}{
		{Subject{Kind: KindProgram, Name: "xdp"}, true},
		{Subject{Kind: KindProgram, Name: "ext"}, true},
		{Subject{Kind: KindProgram, Name: "kprobe"}, false},
		{Subject{Kind: KindRight, Name: RightFreplace}, true}, // comes with its type
		{Subject{Kind: KindRight, Name: RightSleepable}, true},
		{Subject{Kind: KindRight, Name: RightModifyReturn}, false},
		{Subject{Kind: KindMap, Name: "lru_hash"}, true},
		{Subject{Kind: KindMap, Name: "array"}, false},
		{Subject{Kind: KindHelper, Name: "bpf_map_lookup_elem"}, true},
		{Subject{Kind: KindHelper, Name: "bpf_send_signal"}, true},
		{Subject{Kind: KindHelper, Name: "bpf_probe_write_user"}, false}, // no wildcard stands for it
		{Subject{Kind: KindHelper, Name: "#500"}, false},
		{Subject{Kind: KindKfunc, Name: "bpf_xdp_metadata_rx_hash"}, true},
		{Subject{Kind: KindKfunc, Name: "xdp_metadata_rx_hash"}, false}, // the short form is for helpers
		{Subject{Kind: KindAttach, Name: "xdp:veth0"}, true},
		{Subject{Kind: KindAttach, Name: "xdp:eth0"}, false},
		{Subject{Kind: KindAttach, Name: "tcx:veth0"}, false},
		{Subject{Kind: KindAttach, Name: "tracepoint:sched/sched_switch"}, true},
		{Subject{Kind: KindMapRW, Name: "counts"}, true},
		{Subject{Kind: KindMapRW, Name: "other"}, false},
		{Subject{Kind: KindObjectEdit, Name: "drops"}, false},
		{Subject{Kind: KindPinRead, Name: "/sys/fs/bpf/bpfhost/x"}, true},
		{Subject{Kind: KindPinWrite, Name: "/sys/fs/bpf/bpfhost/x"}, false},
		{Subject{Kind: KindNetns, Name: "/run/netns/a"}, true}, // need not be asked for
		{Subject{Kind: KindMaps, Value: 9}, true},
	} {
		if got := w.covers(tt.s); got != tt.want {
			t.Errorf("%s: %v", tt.s, got)
		}
		if !(*Wishes)(nil).covers(tt.s) {
			t.Errorf("no wishes at all do not cover %s", tt.s)
		}
	}
	if d := cmp.Diff([]string{"object edit"}, wishes(t, "object edit").Texts()); d != "" {
		t.Error(d)
	}
}

func TestParseWishesErrors(t *testing.T) {
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
		"attach fly:x":                    "want attach KIND:TARGET",
		"map " + strings.Repeat("x", 257): "pattern has 257 bytes, the limit is 256",
	} {
		_, err := ParseWishes([]string{"program xdp", text})
		if err == nil || !strings.HasPrefix(err.Error(), "read wish ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
