package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/bpfhost/bpfhost/host/internal/objectrun"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// OptionError says what is wrong with one of the ObjectOptions, and what to do.
type OptionError = objectrun.OptionError

// ObjectOptions say how an object runs that has no plugin. The zero value attaches its programs by
// their sections and prints the records of all its ring buffers.
type ObjectOptions struct {
	// PluginOptions are those of the built-in plugin. Params, Args, Objects and Signature are not used;
	// with Output "jsonl" records are lines of JSON.
	PluginOptions

	// Attach has the targets of programs by their names: "eth0", "eth0@/run/netns/a", "/sys/fs/cgroup/a".
	// An empty one is that of the program's section. It also names the optional programs to attach.
	Attach map[string][]string

	Skip     []string          // programs that are neither loaded nor attached
	Set      map[string]string // values of variables by their path, "cfg.ports[2]"; see docs/object.md
	MapSizes map[string]string // entries of maps, bytes of ring buffers: "65536", "64KiB"
	Types    map[string]string // types of records by map, "struct event", where BTF does not say
	Fields   []string          // fields of records that are printed, by path, in order; none is all
	Filter   string            // condition for records, "pid == 12"; empty is none
}

// OpenObject opens an object to be run by the built-in plugin. What comes of it is planned, judged,
// applied and accounted for like any other plugin, one with the object's name and digest. Nothing of
// it reaches the kernel.
//
// The error wraps ErrInput when the object is not what it should be, is an *OptionError for an option
// that does not fit it, or is one of Open.
func (h *Host) OpenObject(ctx context.Context, object Object, o ObjectOptions) (*Plugin, error) {
	fill(&o.Name, objectName(object.Name))
	o.Objects, o.Params, o.Args = []Object{object}, nil, nil
	sum := sha256.Sum256(object.Data)
	p := h.newPlugin(Info{SHA256: hex.EncodeToString(sum[:]), Size: len(object.Data)}, o.PluginOptions)
	inputs, err := readObjects(p.options.Objects, p.in.ObjectOptions())
	if err != nil {
		return nil, oneline.Join(err, p.Close())
	}
	built, err := objectrun.New(inputs[0].Name, plan.BaseName(object.Name), inputs[0].Collection, objectrun.Options{
		Attach: o.Attach, Skip: o.Skip, Set: o.Set, MapSizes: o.MapSizes, Types: o.Types, Fields: o.Fields, Filter: o.Filter,
		JSON: p.options.Output == "jsonl", PinDir: h.config.PinDir,
	})
	if err != nil {
		return nil, oneline.Join(err, p.Close())
	}
	p.inputs = inputs
	return p.open(ctx, built.Code())
}
