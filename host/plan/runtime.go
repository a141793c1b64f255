package plan

import (
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
)

// Runtime is what a plugin may do with what is loaded, by its requests and the policy, beside running
// a timer, which every plugin may.
type Runtime struct {
	Maps    []string `json:"maps"`    // whose entries it may read and write
	Sources []string `json:"sources"` // ring buffers whose records it may read
}

// Runtime returns what the plugin may do at run time.
func (p *Plan) Runtime() Runtime {
	r := Runtime{Maps: []string{}, Sources: []string{}}
	for _, d := range p.Decisions {
		if d.Kind == policy.KindMapRW && d.Allowed {
			r.Maps = append(r.Maps, strings.TrimPrefix(d.Subject(), policy.KindMapRW.String()+" "))
		}
	}
	seen := make(map[string]bool)
	for i := range p.Objects {
		o := &p.Objects[i]
		if o.After == nil {
			continue
		}
		for _, m := range o.After.Select(o.After.Attached()).Maps {
			if m.Type == spec.MapRingbuf && !seen[m.Name] {
				seen[m.Name] = true
				r.Sources = append(r.Sources, m.Name)
			}
		}
	}
	return r
}

// String returns for example "run a timer; read and write maps a, b; read ring buffer events".
func (r Runtime) String() string {
	parts := []string{"run a timer"}
	for _, p := range []struct {
		what  string
		names []string
	}{{"read and write map", r.Maps}, {"read ring buffer", r.Sources}} {
		switch {
		case len(p.names) == 1:
			parts = append(parts, p.what+" "+p.names[0])
		case len(p.names) > 1:
			parts = append(parts, p.what+"s "+strings.Join(p.names, ", "))
		}
	}
	return strings.Join(parts, "; ")
}
