package objectrun

import (
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/internal/setvar"
)

// variables reads the values that variables get.
func (p *Plugin) variables() error {
	for _, path := range slices.Sorted(maps.Keys(p.options.Set)) {
		value := p.options.Set[path]
		w, err := setvar.Parse(p.object, path, value)
		if err != nil {
			return p.bad("--set "+path+"="+value, "%w", err)
		}
		p.writes = append(p.writes, w)
	}
	return nil
}
