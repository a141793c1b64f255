package host

import (
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/host/internal/guest"
)

// configuration makes what the guest reads of what it declares and what the operator set. The error
// is a *ParamError.
func (p *Plugin) configuration() (guest.Config, error) {
	info, given := p.in.Info(), p.options.Params
	c := guest.NewConfig(p.options.Args, p.options.Output)
	for _, key := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(info.Params, func(p Param) bool { return p.Name == key })
		if i < 0 {
			return nil, &ParamError{info.Name, key, "is unknown; " + info.ParamNames()}
		}
		if err := info.Params[i].Check(given[key]); err != nil {
			return nil, &ParamError{info.Name, key, err.Error()}
		}
		c[key] = given[key]
	}
	for _, p := range info.Params {
		if _, ok := c[p.Name]; ok {
			continue
		}
		if p.Required {
			return nil, &ParamError{info.Name, p.Name, "is missing; give it with --set " + p.Name + "=VALUE"}
		}
		if p.Default != "" {
			c[p.Name] = p.Default
		}
	}
	return c, nil
}
