package policy

import (
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Policy says what is granted. It does not change after it was made and is safe for concurrent use.
type Policy struct {
	name    string
	builtIn bool
	class   Class
	classAt int             // line; 0 is not there
	plugin  map[string]text // "name", "sha256"
	signers []text          // keys, one of which must have signed the module; nil is any or none
	objects []object
	listed  int              // line of the key objects; 0 is not there
	lists   map[string]list  // by list key
	rights  map[string]right // by Right name
	numbers map[Kind]number  // upper bounds
	byName  []Reach          // what must be requested by name
	wasm    Wasm
}

// newPolicy returns a policy that grants nothing.
func newPolicy(name string) *Policy {
	return &Policy{
		name: name, plugin: map[string]text{}, lists: map[string]list{}, rights: map[string]right{}, numbers: map[Kind]number{},
	}
}

// text is a scalar with its place.
type text struct {
	value string
	line  int
}

// right is a yes or no with its place.
type right struct {
	granted bool
	line    int
}

// number is an upper bound with its place.
type number struct {
	max  uint64
	line int
}

// object is what is said of input objects.
type object struct {
	name   pattern
	sha256 text
	edit   right
}

// Wasm are the limits of the guest that a policy sets. Zero leaves the host's default.
type Wasm struct {
	MemoryBytes    uint64        // of guest memory, a multiple of 64 KiB
	Start          time.Duration // of the start function and of _initialize, each
	Describe       time.Duration
	Configure      time.Duration
	Plan           time.Duration
	Loaded         time.Duration
	Started        time.Duration
	Events         time.Duration // of one batch
	Tick           time.Duration
	Stop           time.Duration
	OutBytesPerSec uint64 // of output, both streams together
	LogLinesPerSec uint64
}

// Pins reports whether the policy is for one plugin, which it knows by its digest or by who signed
// it.
func (p *Policy) Pins() bool { return p.plugin["sha256"].value != "" || p.signers != nil }

// Name returns the name the policy was read under, or "built-in default".
func (p *Policy) Name() string { return p.name }

// Wasm returns the limits of the guest.
func (p *Policy) Wasm() Wasm { return p.wasm }

// PinRoot is the directory on the BPF file system that the built-in policy lets plugins pin in, each
// below a directory of its own.
const PinRoot = "/sys/fs/bpf/bpfhost"

// BuiltInText is the built-in default policy. A plugin gets what it requests of this; the dangerous
// names that no wildcard matches are therefore out of reach. docs/policy.md says what it lets through.
const BuiltInText = `# what a plugin requests, less the dangerous rights; far-reaching ones only by name
class: enforce
by_name: [memory, machine]
objects: {"*": {edit: true}}
programs:
  types: ["*"]
  max: 256
  helpers: ["*"]
  kfuncs: ["*"]
  sleepable: true
attach:
  xdp: ["*"]
  tcx: ["*"]
  cgroup: ["*"]
  tracepoint: ["*"]
  raw_tracepoint: ["*"]
  tracing: ["*"]
  kprobe: ["*"]
  netns: ["*"]
  socket: ["*"]
maps:
  types: ["*"]
  max: 256
  max_bytes_each: 256MiB
  max_bytes_total: 512MiB
  runtime_rw: ["*"]
pins:
  read: ["` + PinRoot + `/*"]
  write: ["` + PinRoot + `/*"]
`

// BuiltIn returns the policy that applies where the operator sets none. It is one value: nothing
// changes a policy.
func BuiltIn() *Policy { return builtIn() }

var builtIn = sync.OnceValue(func() *Policy {
	p, err := Parse("built-in default", []byte(BuiltInText))
	if err != nil { // a test reads it
		return &Policy{name: "built-in default", builtIn: true}
	}
	p.builtIn = true
	return p
})

// ceilings are the bounds that no policy can raise. A policy that leaves a number out gets them.
var ceilings = map[Kind]uint64{
	KindPrograms:   1024,
	KindInsns:      1_000_000, // BPF_COMPLEXITY_LIMIT_INSNS, what a kernel takes at most
	KindMaps:       1024,
	KindEntries:    1 << 32,
	KindBytes:      4 << 30,
	KindTotalBytes: 8 << 30,
}

// listPaths maps the key of a list to where it stands in a policy.
var listPaths = makeListPaths()

func makeListPaths() map[string]string {
	paths := map[string]string{
		"program":   "programs.types",
		"helper":    "programs.helpers",
		"kfunc":     "programs.kfuncs",
		"ksym":      "programs.ksyms",
		"map":       "maps.types",
		"map-rw":    "maps.runtime_rw",
		"pin-read":  "pins.read",
		"pin-write": "pins.write",
		"pin-share": "pins.shared",
	}
	for _, f := range spec.HookFamilies() {
		paths[attachKey(f.Name)] = "attach." + f.Name
	}
	return paths
}
