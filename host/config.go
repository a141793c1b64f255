package host

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

// config is what cfg_get answers from.
type config map[string]string

// Keys that the host itself sets.
const (
	keyOutput    = "output"
	keyArgsCount = "args.count"
	keyArgs      = "args."
)

func isReserved(key string) bool { return key == keyOutput || strings.HasPrefix(key, keyArgs) }

// configure makes the configuration from what the plugin declares and what the operator set. The
// error is a *ParamError.
func (x *instance) configure(given map[string]string, args []string, output string) error {
	x.config = config{keyOutput: output, keyArgsCount: strconv.Itoa(len(args))}
	for i, a := range args {
		x.config[keyArgs+strconv.Itoa(i)] = a
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(x.info.Params, func(p Param) bool { return p.Name == key })
		if i < 0 {
			return &ParamError{x.info.Name, key, "is unknown; " + x.info.ParamNames()}
		}
		if err := x.info.Params[i].Check(given[key]); err != nil {
			return &ParamError{x.info.Name, key, err.Error()}
		}
		x.config[key] = given[key]
	}
	for _, p := range x.info.Params {
		if _, ok := x.config[p.Name]; ok {
			continue
		}
		if p.Required {
			return &ParamError{x.info.Name, p.Name, "is missing; give it with --set " + p.Name + "=VALUE"}
		}
		if p.Default != "" {
			x.config[p.Name] = p.Default
		}
	}
	return nil
}

// CfgGet returns the value of a key.
func (x *instance) CfgGet(key, value []byte) int32 {
	v, ok := x.config[string(key)]
	if !ok {
		return x.reply(abi.FuncCfgGet, 0, failf(abi.ErrNoent, "there is no value for %q; %s", key, x.info.ParamNames()))
	}
	return abi.CopyOut(value, []byte(v))
}

// CfgKeys lists the keys that have a value.
func (x *instance) CfgKeys(keys []byte) int32 {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(x.config)) {
		b.WriteString(k)
		b.WriteByte('\n')
	}
	return abi.CopyOut(keys, []byte(b.String()))
}
