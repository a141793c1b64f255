package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// Suite is a policy with what is expected of it.
type Suite struct {
	Policy     *Policy // the policy, if the suite has it
	PolicyFile string  // otherwise the name of its file, relative to that of the suite
	Cases      []Case
	Plans      []PlanCase
}

// Case is one access and whether a policy must allow it, to a plugin that requests everything.
type Case struct {
	Access Access
	Allow  bool
	Line   int // in the suite
}

// PlanCase is a plugin and whether a policy must allow its plan. Names of files are relative to the
// suite's.
type PlanCase struct {
	Plugin  string
	Objects []string
	Set     map[string]string // parameters
	Allow   bool
	Line    int // in the suite
}

// ParseSuite reads a suite in YAML or JSON, as strictly as Parse reads a policy; name is used in
// errors, and is the name of the policy if the suite has one.
func ParseSuite(name string, data []byte) (*Suite, error) {
	d := &decoder{policy: newPolicy(name)}
	s := &Suite{}
	root := d.read(data)
	if root != nil {
		d.mapping(root, keys{
			"policy": func(_, v *yaml.Node) { d.suitePolicy(s, v) },
			"allow":  func(_, v *yaml.Node) { d.cases(s, v, true) },
			"deny":   func(_, v *yaml.Node) { d.cases(s, v, false) },
			"plans":  func(_, v *yaml.Node) { d.plans(s, v) },
		})
	}
	switch {
	case d.err != nil:
	case s.Policy == nil && s.PolicyFile == "":
		d.fail(root, "key policy is missing: the name of a policy file, or a policy")
	case len(s.Cases)+len(s.Plans) == 0:
		d.fail(root, "it has no case; write some under allow, deny or plans")
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

// suitePolicy reads a policy, or the name of its file.
func (d *decoder) suitePolicy(s *Suite, v *yaml.Node) {
	if v.Kind == yaml.MappingNode {
		s.Policy = d.policy
		d.mapping(v, d.topKeys())
		return
	}
	s.PolicyFile = d.fileName(v)
}

// fileName reads the name of a file.
func (d *decoder) fileName(v *yaml.Node) string {
	name := d.str(v, "the name of a file")
	if name == "" {
		d.fail(v, "want the name of a file")
	}
	return name
}

// sequence reads a list, each element of which f reads.
func (d *decoder) sequence(v *yaml.Node, what string, f func(v *yaml.Node)) {
	if v.Kind != yaml.SequenceNode {
		d.fail(v, "want a list of %s", what)
		return
	}
	for _, n := range v.Content {
		if d.plain(n) {
			f(n)
		}
	}
}

// cases reads accesses that must be allowed, or denied.
func (d *decoder) cases(s *Suite, v *yaml.Node, allow bool) {
	d.sequence(v, `accesses, e.g. ["helper bpf_redirect"]`, func(n *yaml.Node) {
		a, err := ParseAccess(d.str(n, "an access as text, e.g. helper bpf_redirect"))
		if err != nil {
			d.fail(n, "%v", err)
		}
		s.Cases = append(s.Cases, Case{a, allow, n.Line})
	})
}

// plans reads plugins whose plans must be allowed, or denied.
func (d *decoder) plans(s *Suite, v *yaml.Node) {
	d.sequence(v, "plugins, e.g. [{plugin: guard.wasm, expect: allow}]", func(n *yaml.Node) {
		c := PlanCase{Line: n.Line, Set: map[string]string{}}
		expect := ""
		d.mapping(n, keys{
			"plugin": func(_, v *yaml.Node) { c.Plugin = d.fileName(v) },
			"objects": func(_, v *yaml.Node) {
				d.sequence(v, "names of files", func(n *yaml.Node) { c.Objects = append(c.Objects, d.fileName(n)) })
			},
			"set": func(_, v *yaml.Node) {
				d.pairs(v, func(k, v *yaml.Node) {
					if v.Kind != yaml.ScalarNode {
						d.fail(v, "want a value")
					}
					c.Set[k.Value] = v.Value
				})
			},
			"expect": func(_, v *yaml.Node) {
				if expect = v.Value; !slices.Contains([]string{"allow", "deny"}, expect) {
					d.fail(v, "want allow or deny")
				}
			},
		})
		if d.err == nil && (c.Plugin == "" || expect == "") {
			d.fail(n, "want plugin and expect")
		}
		c.Allow = expect == "allow"
		s.Plans = append(s.Plans, c)
	})
}

// Unexpected decides the accesses of the suite by a policy and returns the cases that it decides
// otherwise, with the decisions.
func (s *Suite) Unexpected(p *Policy) (cases []Case, decisions []Decision) {
	for _, c := range s.Cases {
		if v := p.Decision(nil, c.Access); v.Allowed != c.Allow {
			cases, decisions = append(cases, c), append(decisions, v)
		}
	}
	return cases, decisions
}
