package guest

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

// Config is what a guest reads with cfg_get, by key.
type Config map[string]string

// Keys that the host itself sets.
const (
	keyOutput    = "output"
	keyArgsCount = "args.count"
	keyArgs      = "args."
)

// NewConfig makes a configuration of what the host itself sets: arguments and the format of output.
func NewConfig(args []string, output string) Config {
	c := Config{keyOutput: output, keyArgsCount: strconv.Itoa(len(args))}
	for i, a := range args {
		c[keyArgs+strconv.Itoa(i)] = a
	}
	return c
}

// isReserved reports whether no parameter may have a name.
func isReserved(key string) bool { return key == keyOutput || strings.HasPrefix(key, keyArgs) }

// CfgGet returns the value of a key.
func (x baseCalls) CfgGet(key, value []byte) int32 {
	v, ok := x.config[string(key)]
	if !ok {
		return x.reply(abi.FuncCfgGet, 0, failf(abi.ErrNoent, "there is no value for %q; %s", key, x.info.ParamNames()))
	}
	return abi.CopyOut(value, []byte(v))
}

// CfgKeys lists the keys that have a value.
func (x baseCalls) CfgKeys(keys []byte) int32 {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(x.config)) {
		b.WriteString(k)
		b.WriteByte('\n')
	}
	return abi.CopyOut(keys, []byte(b.String()))
}
