package policy

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSuite(t *testing.T) {
	s, err := ParseSuite("s.yaml", []byte(`policy:
  programs: {types: [xdp]}
allow:
  - program xdp
  - helper redirect
deny: [sleepable]
plans:
  - plugin: guard.wasm
    objects: [a.o, b.o]
    set: {iface: veth0, limit: 10}
    expect: deny
`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]PlanCase{{"guard.wasm", []string{"a.o", "b.o"}, map[string]string{"iface": "veth0", "limit": "10"}, false, 8}}, s.Plans); d != "" {
		t.Errorf("plans (-want +got):\n%s", d)
	}
	cases, decisions := s.Unexpected(s.Policy)
	if d := cmp.Diff([]Case{{Access{Kind: KindHelper, Name: "bpf_redirect"}, true, 5}}, cases); d != "" || len(decisions) != 1 || decisions[0].Allowed {
		t.Errorf("%v (-want +got):\n%s", decisions, d)
	}
	if s, err = ParseSuite("s.yaml", []byte("policy: strict.yaml\ndeny: [sleepable]")); err != nil || s.PolicyFile != "strict.yaml" || s.Policy != nil {
		t.Errorf("policy in a file: %+v, %v", s, err)
	}
}

func TestParseSuiteErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "read policy s.yaml: it is empty; write {} to grant nothing",
		"{}":                                "read policy s.yaml:1:1: key policy is missing: the name of a policy file, or a policy",
		"policy: {}":                        "read policy s.yaml:1:1: it has no case; write some under allow, deny or plans",
		"policy: ''":                        "read policy s.yaml:1:9: want the name of a file",
		"policy: 3":                         "read policy s.yaml:1:9: want the name of a file",
		"policy: {program: {}}":             "read policy s.yaml:1:10: unknown key program; known here: attach, by_name, class, maps, objects, pins, plugin, programs, wasm; did you mean programs?",
		"policy: {}\nalow: []":              "read policy s.yaml:2:1: unknown key alow; known here: allow, deny, plans, policy; did you mean allow?",
		"policy: {}\nallow: program xdp":    `read policy s.yaml:2:8: want a list of accesses, e.g. ["helper bpf_redirect"]`,
		"policy: {}\nallow: [&x program]":   "read policy s.yaml:2:9: anchors and aliases are not supported; patterns that start with * need quotes",
		"policy: {}\nallow: [3]":            "read policy s.yaml:2:9: want an access as text, e.g. helper bpf_redirect",
		"policy: {}\nallow: [program xpd]":  "read policy s.yaml:2:9: read access program xpd: there is no program type xpd, did you mean xdp?",
		"policy: {}\nplans: [x]":            "read policy s.yaml:2:9: want a mapping (key: value)",
		"policy: {}\nplans: [{plugin: a}]":  "read policy s.yaml:2:9: want plugin and expect",
		"policy: {}\nplans: [{expect: no}]": "read policy s.yaml:2:18: want allow or deny",
		"policy: {}\nplans: [{set: {a: []}, plugin: x, expect: allow}]": "read policy s.yaml:2:19: want a value",
	} {
		_, err := ParseSuite("s.yaml", []byte(text))
		var syntax *SyntaxError
		if err == nil || err.Error() != want || !errors.As(err, &syntax) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}
