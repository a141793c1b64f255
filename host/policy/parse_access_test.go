package policy

import (
	"math/rand/v2"
	"testing"
)

// What an access is printed as, without its place, reads back as the access.
func TestParseAccess(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	read := 0
	list := append(everyAccess(), draftProbes...)
	for range 2000 {
		list = append(list, randomAccess(r))
	}
	for _, a := range list {
		a.Where, a.Digest = "", ""
		text := a.String()
		if a.Name != "" && a.Name != printable(a.Name) || a.Kind == KindNumeric {
			continue // shown in quotes
		}
		if a.Kind == KindBytes || a.Kind == KindTotalBytes {
			a.Value = 81 << 10
			text = a.String()
		}
		got, err := ParseAccess(text)
		if err != nil && (a.impossible() != "" || a.Name == "" && a.Kind < KindPrograms) {
			continue
		}
		if err != nil || got != a {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		read++
	}
	if read < 1500 {
		t.Errorf("the test tries too little: %d", read)
	}
	for text, want := range map[string]string{
		"attach kprobe:f+0x10":         "attach kprobe:f",
		"attach tracing:vmlinux:f":     "attach tracing:f",
		"attach tracing:nf-tables:f":   "attach tracing:nf_tables:f",
		"attach struct_ops:a/b":        "attach struct_ops:a/b",
		"helper redirect":              "helper bpf_redirect",
		"helper #250":                  "helper #250",
		"kfunc a_function_of_tomorrow": "kfunc a_function_of_tomorrow",
		"map-bytes 82944":              "map-bytes 81 KiB",
	} {
		if a, err := ParseAccess(text); err != nil || a.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, a, err, want)
		}
	}
}

func TestParseAccessErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                      `read access : it starts with no known word, there is "sleepable", "freplace", "syscall", "struct_ops", "modify_return", "programs", "insns", "maps" and 17 more`,
		"helpr bpf_redirect":    `read access helpr bpf_redirect: it starts with no known word, did you mean "helper"?`,
		"helper ":               "read access helper : a name is missing",
		"helper redirct":        "read access helper redirct: there is no helper bpf_redirct, did you mean bpf_redirect?",
		"program xpd":           "read access program xpd: there is no program type xpd, did you mean xdp?",
		"map hsh":               "read access map hsh: there is no map type hsh, did you mean hash?",
		"insns many":            "read access insns many: many is not a whole number",
		"map-bytes-total 1 KB":  "read access map-bytes-total 1 KB: 1 KB is not a whole number",
		"attach veth0":          "read access attach veth0: want attach KIND:TARGET, e.g. attach xdp:veth0",
		"attach xpd:veth0":      `read access attach xpd:veth0: there is no kind of hook xpd, did you mean "xdp"?`,
		"attach struct_ops:cc":  "read access attach struct_ops:cc: want attach struct_ops:STRUCT/MAP, e.g. attach struct_ops:tcp_congestion_ops/my_cc",
		"attach none:x":         `read access attach none:x: there is no kind of hook none, there is "xdp", "tcx", "cgroup", "tracepoint", "raw_tracepoint", "tracing", "kprobe", "netns" and 2 more`,
		"attach tracepoint:a":   `read access attach tracepoint:a: target "a" is not category/name of a tracepoint`,
		"numeric reference #12": `read access numeric reference #12: it starts with no known word, there is "sleepable", "freplace", "syscall", "struct_ops", "modify_return", "programs", "insns", "maps" and 17 more`,
	} {
		if _, err := ParseAccess(text); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}
