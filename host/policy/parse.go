package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// maxText bounds a policy, in bytes.
const maxText = 256 << 10

// Parse reads a policy in YAML or JSON; name is used in decisions and errors, usually the base name
// of the file. Nothing is ignored: an unknown key, a key that is there twice, or a value of the
// wrong shape is a *SyntaxError that says where.
func Parse(name string, data []byte) (*Policy, error) {
	p := newPolicy(name)
	d := &decoder{policy: p}
	if root := d.read(data); root != nil {
		d.mapping(root, d.topKeys())
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

// decoder walks the nodes of a document; the first error sticks.
type decoder struct {
	policy *Policy
	err    error
}

// fail records the first error.
func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if d.err == nil {
		d.err = &SyntaxError{d.policy.name, n.Line, n.Column, fmt.Sprintf(format, args...)}
	}
}

// read returns the only document of the text.
func (d *decoder) read(data []byte) *yaml.Node {
	switch {
	case len(data) > maxText:
		d.fail(&yaml.Node{}, "it has %d bytes, the limit is %d", len(data), maxText)
		return nil
	case !utf8.Valid(data):
		d.fail(&yaml.Node{}, "it is not UTF-8 text")
		return nil
	}
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" ")) // YAML knows no tabs, JSON does
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		d.fail(&yaml.Node{}, "it is empty; write {} to grant nothing")
		return nil
	case err != nil:
		d.err = d.yamlError(err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.fail(&more, "only one document is wanted")
		return nil
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)`)

// yamlError makes an *Error of one of the YAML reader, which has no columns.
func (d *decoder) yamlError(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	m := yamlLine.FindStringSubmatch(text)
	line, _ := strconv.Atoi(m[1])
	return &SyntaxError{d.policy.name, line, 0,
		"not YAML: " + printable(m[2]) + "; patterns that start with * or ! need quotes"}
}

// keys maps the keys of a mapping to what reads their values; k is the key's node, v the value's.
type keys map[string]func(k, v *yaml.Node)

// plain refuses aliases and tags, which have no meaning here and hide what is meant.
func (d *decoder) plain(n *yaml.Node) bool {
	switch {
	case d.err != nil:
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fail(n, "anchors and aliases are not supported; patterns that start with * need quotes")
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(n, "tags are not supported; patterns that start with ! need quotes")
	}
	return d.err == nil
}

// pairs walks a mapping whose keys are free.
func (d *decoder) pairs(n *yaml.Node, each func(k, v *yaml.Node)) {
	if !d.plain(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "want a mapping (key: value)")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && d.err == nil; i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !d.plain(k) {
			return
		}
		if k.Kind != yaml.ScalarNode {
			d.fail(k, "a key must be a word")
			return
		}
		if line := seen[k.Value]; line != 0 {
			d.fail(k, "key %s is already on line %d", printable(k.Value), line)
			return
		}
		seen[k.Value] = k.Line
		if d.plain(v) {
			each(k, v)
		}
	}
}

// mapping walks a mapping whose keys are known.
func (d *decoder) mapping(n *yaml.Node, known keys) {
	d.pairs(n, func(k, v *yaml.Node) {
		if read, ok := known[k.Value]; ok {
			read(k, v)
			return
		}
		names := slices.Sorted(maps.Keys(known))
		near := ""
		if best := nearest.Name(k.Value, names); best != "" {
			near = "; did you mean " + best + "?"
		}
		d.fail(k, "unknown key %s; known here: %s%s", printable(k.Value), strings.Join(names, ", "), near)
	})
}

// section reads a value that is a mapping of known keys.
func (d *decoder) section(known keys) func(k, v *yaml.Node) {
	return func(_, v *yaml.Node) { d.mapping(v, known) }
}

func (d *decoder) topKeys() keys {
	attach := keys{}
	for _, f := range spec.HookFamilies() {
		attach[f.Name] = d.list(attachKey(f.Name))
	}
	return keys{
		"plugin":  d.identities,
		"class":   d.class,
		"by_name": d.byName,
		"objects": d.objects,
		"programs": d.section(keys{
			"types": d.list("program"), "helpers": d.list("helper"), "kfuncs": d.list("kfunc"), "ksyms": d.list("ksym"),
			"max": d.number(KindPrograms), "max_insns": d.number(KindInsns),
			RightSleepable: d.right, RightFreplace: d.right, RightSyscall: d.right,
			RightStructOps: d.right, RightModifyReturn: d.right,
		}),
		"attach": d.section(attach),
		"maps": d.section(keys{
			"types": d.list("map"), "runtime_rw": d.list("map-rw"),
			"max": d.number(KindMaps), "max_entries": d.number(KindEntries),
			"max_bytes_each": d.number(KindBytes), "max_bytes_total": d.number(KindTotalBytes),
		}),
		"pins": d.section(keys{"read": d.list("pin-read"), "write": d.list("pin-write"), "shared": d.list("pin-share")}),
		"wasm": d.section(d.wasmKeys()),
	}
}

func (d *decoder) wasmKeys() keys {
	w := &d.policy.wasm
	return keys{
		"memory":          d.memory,
		"out_bytes_per_s": func(_, v *yaml.Node) { w.OutBytesPerSec = d.positive(v, d.size(v, 1<<30)) },
		"log_lines_per_s": func(_, v *yaml.Node) { w.LogLinesPerSec = d.positive(v, d.count(v, 1_000_000)) },
		"wall_ms": d.section(keys{
			"start": d.wall(&w.Start), "describe": d.wall(&w.Describe), "configure": d.wall(&w.Configure), "plan": d.wall(&w.Plan),
			"loaded": d.wall(&w.Loaded), "started": d.wall(&w.Started), "events": d.wall(&w.Events),
			"tick": d.wall(&w.Tick), "stop": d.wall(&w.Stop),
		}),
	}
}

// str reads a scalar that is text.
func (d *decoder) str(n *yaml.Node, what string) string {
	if d.err == nil && (n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str") {
		d.fail(n, "want %s", what)
	}
	return n.Value
}

// identities reads what the plugin must be. Its name is no proof: any module can take it.
func (d *decoder) identities(_, v *yaml.Node) {
	var name *yaml.Node
	d.mapping(v, keys{
		"name":    func(k, v *yaml.Node) { name = v; d.identity(k, v) },
		"sha256":  d.identity,
		"signers": d.signers,
	})
	if _, digest := d.policy.plugin["sha256"]; d.err == nil && name != nil && !digest && d.policy.signers == nil {
		d.fail(name, "a name identifies nobody, any plugin can call itself so; add sha256 or signers")
	}
}

// signers reads the keys of which one must have signed the module.
func (d *decoder) signers(_, v *yaml.Node) {
	if v.Kind != yaml.SequenceNode || len(v.Content) == 0 {
		d.fail(v, "want a list of public keys, e.g. [\"ed25519:...\"]")
		return
	}
	for _, n := range v.Content {
		if !d.plain(n) {
			return
		}
		key, err := signature.ParseKey(n.Value)
		if err != nil {
			d.fail(n, "%v", err)
		}
		d.policy.signers = append(d.policy.signers, text{string(key), n.Line})
	}
}

// identity reads what the plugin must be.
func (d *decoder) identity(k, v *yaml.Node) {
	value := d.str(v, "a text in quotes")
	if k.Value == "sha256" {
		value = d.digest(v)
	} else if err := checkPattern(value); err != nil {
		d.fail(v, "%v", err)
	}
	d.policy.plugin[k.Value] = text{value, v.Line}
}

// digest reads a SHA-256 in hex.
func (d *decoder) digest(n *yaml.Node) string {
	value := n.Value // all digits would be a number to YAML
	ok := n.Kind == yaml.ScalarNode && len(value) == 64 && strings.Trim(value, "0123456789abcdef") == ""
	if !ok {
		d.fail(n, "want a SHA-256 as 64 lower-case hex digits")
	}
	return value
}

// class reads the class.
func (d *decoder) class(_, v *yaml.Node) {
	word := d.str(v, "observe, mutate or enforce")
	class, ok := ParseClass(word)
	if !ok {
		d.fail(v, "class %s is unknown; want observe, mutate or enforce", printable(word))
		return
	}
	d.policy.class, d.policy.classAt = class, v.Line
}

// byName reads what must be requested by name.
func (d *decoder) byName(_, v *yaml.Node) {
	if v.Kind != yaml.SequenceNode {
		d.fail(v, "want a list of memory and machine")
		return
	}
	for _, n := range v.Content {
		if !d.plain(n) {
			return
		}
		if !slices.Contains(Reaches(), Reach(n.Value)) {
			d.fail(n, "there is nothing called %s to be requested by name; want memory or machine", printable(n.Value))
		}
		d.policy.byName = append(d.policy.byName, Reach(n.Value))
	}
}

// objects reads what is said of input objects.
func (d *decoder) objects(k, v *yaml.Node) {
	d.policy.listed = k.Line
	d.policy.objects = []object{}
	d.pairs(v, func(k, v *yaml.Node) {
		if err := checkPattern(k.Value); err != nil {
			d.fail(k, "%v", err)
		}
		if strings.HasPrefix(k.Value, "!") {
			d.fail(k, "objects cannot be excluded, only listed")
		}
		o := object{name: pattern{text: k.Value, line: k.Line}}
		d.mapping(v, keys{
			"sha256": func(_, v *yaml.Node) { o.sha256 = text{d.digest(v), v.Line} },
			"edit":   func(_, v *yaml.Node) { o.edit = right{d.boolean(v), v.Line} },
		})
		d.policy.objects = append(d.policy.objects, o)
	})
}

// list reads a list of patterns.
func (d *decoder) list(key string) func(k, v *yaml.Node) {
	return func(k, v *yaml.Node) {
		if v.Kind != yaml.SequenceNode {
			d.fail(v, "want a list of names or patterns, e.g. [a, \"b_*\"]")
			return
		}
		l := list{line: k.Line}
		for _, n := range v.Content {
			if !d.plain(n) {
				return
			}
			value := d.str(n, "a name or pattern as text; put it in quotes")
			name, negate := strings.CutPrefix(value, "!")
			if err := checkPattern(name); err != nil {
				d.fail(n, "%v", err)
			}
			if d.err == nil {
				d.known(n, key, name)
			}
			l.items = append(l.items, pattern{name, negate, n.Line})
		}
		d.policy.lists[key] = l
	}
}

// known refuses an exact name that does not exist, which is a slip of the pen that would deny, or
// fail to deny, without a word.
func (d *decoder) known(n *yaml.Node, key, name string) {
	if why := unknownName(key, name); why != "" && !isNewName(key) {
		d.fail(n, "%s", why)
	}
}

// right reads a yes or no.
func (d *decoder) right(k, v *yaml.Node) {
	d.policy.rights[k.Value] = right{d.boolean(v), v.Line}
}

// boolean reads true or false.
func (d *decoder) boolean(n *yaml.Node) bool {
	if d.err == nil && (n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" || n.ShortTag() != "!!bool") {
		d.fail(n, "want true or false")
	}
	return n.Value == "true"
}

// number reads an upper bound.
func (d *decoder) number(k Kind) func(k, v *yaml.Node) {
	return func(_, v *yaml.Node) {
		read := d.count
		if k == KindBytes || k == KindTotalBytes {
			read = d.size
		}
		d.policy.numbers[k] = number{read(v, ceilings[k]), v.Line}
	}
}

// count reads a whole number up to most.
func (d *decoder) count(n *yaml.Node, most uint64) uint64 {
	return d.quantity(n, most, parseCount, "a whole number", func(v uint64) string { return fmt.Sprint(v) })
}

// size reads a number of bytes up to most.
func (d *decoder) size(n *yaml.Node, most uint64) uint64 {
	return d.quantity(n, most, ParseSize, "a size such as 65536, 64KiB or 16MiB", formatSize)
}

func (d *decoder) quantity(n *yaml.Node, most uint64, parse func(string) (uint64, bool), what string, format func(uint64) string) uint64 {
	v, ok := parse(n.Value)
	switch {
	case d.err != nil:
	case n.Kind != yaml.ScalarNode || !ok:
		d.fail(n, "want %s", what)
	case v > most:
		d.fail(n, "%s is above the host's own limit of %s", format(v), format(most))
	}
	return v
}

// positive refuses zero, which stands for the host's default.
func (d *decoder) positive(n *yaml.Node, v uint64) uint64 {
	if d.err == nil && v == 0 {
		d.fail(n, "want more than zero")
	}
	return v
}

// memory reads the limit of guest memory.
func (d *decoder) memory(_, v *yaml.Node) {
	const page, most = 64 << 10, 1 << 30
	n := d.size(v, most)
	if d.err == nil && (n < page || n%page != 0) {
		d.fail(v, "want a multiple of 64KiB above zero")
	}
	d.policy.wasm.MemoryBytes = n
}

// wall reads a time limit in milliseconds.
func (d *decoder) wall(to *time.Duration) func(k, v *yaml.Node) {
	return func(_, v *yaml.Node) {
		*to = time.Duration(d.positive(v, d.count(v, 600_000))) * time.Millisecond
	}
}
