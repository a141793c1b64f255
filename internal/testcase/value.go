package testcase

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/record"
)

// values reads and writes values as their types say.
type values struct{ types *btf.Types } // nil is none

// maxNesting bounds values inside each other.
const maxNesting = 32

// value is what a node says, at a place of a type.
type value struct {
	values
	at   btf.Field // its type, offset and bits
	path string
}

// of returns the place of a whole type; size is that of a value without type.
func (v values) of(id btf.ID, size uint32) value {
	return value{v, btf.Field{Type: id, Size: size}, ""}
}

// encode returns the bytes that a node says, size of them.
func (v values) encode(n *yaml.Node, id btf.ID, size uint32) ([]byte, error) {
	b := make([]byte, size)
	if err := v.of(id, size).put(n, b, 0); err != nil {
		return nil, err
	}
	return b, nil
}

// kind returns the type below names and modifiers; nil is none.
func (v value) kind() btf.Type {
	if v.types == nil || v.at.Type == 0 {
		return nil
	}
	t, err := v.types.Type(v.types.Strip(v.at.Type))
	if err != nil {
		return nil
	}
	return t
}

// describe names the place in messages.
func (v value) describe() string {
	switch {
	case v.types == nil || v.at.Type == 0:
		return fmt.Sprintf("a value of %d bytes without type", v.at.Size)
	case v.path == "":
		return v.types.TypeName(v.at.Type)
	}
	return fmt.Sprintf("%s (%s)", v.path, v.types.TypeName(v.at.Type))
}

// put writes what a node says into the bytes of a value.
func (v value) put(n *yaml.Node, b []byte, depth int) error {
	if depth > maxNesting {
		return failf(n, "more than %d values inside each other", maxNesting)
	}
	switch t := v.kind().(type) {
	case nil:
		return v.putHex(n, b)
	case *btf.Struct:
		if n.Kind == yaml.ScalarNode && !isAddress6(t) {
			return v.putHex(n, b)
		}
		if !isAddress6(t) {
			return v.members(n, t, func(n *yaml.Node, m value) error { return m.put(n, b, depth+1) })
		}
	case *btf.Array:
		if n.Kind == yaml.SequenceNode {
			return v.elements(n, t, func(n *yaml.Node, e value) error { return e.put(n, b, depth+1) })
		}
	}
	return v.putScalar(n, b)
}

func isAddress6(s *btf.Struct) bool { return s.Name == "in6_addr" }

// members calls f for each member that a mapping names.
func (v value) members(n *yaml.Node, s *btf.Struct, f func(n *yaml.Node, m value) error) error {
	if n.Kind != yaml.MappingNode {
		return failf(n, "%s is written as a mapping of its members, or in hexadecimal", v.describe())
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		m, err := v.types.Path(v.at.Type, key.Value)
		if err != nil || key.Value == "" {
			return failf(key, "%s has no member %q%s", v.types.TypeName(v.at.Type), key.Value, nearest.Hint(key.Value, memberNames(s)))
		}
		m.Offset += v.at.Offset
		path := key.Value
		if v.path != "" {
			path = v.path + "." + path
		}
		if err := f(n.Content[i+1], value{v.values, m, path}); err != nil {
			return err
		}
	}
	return nil
}

func memberNames(s *btf.Struct) []string {
	var names []string
	for _, m := range s.Members {
		if m.Name != "" {
			names = append(names, m.Name)
		}
	}
	return names
}

// elements calls f for each element of a sequence.
func (v value) elements(n *yaml.Node, a *btf.Array, f func(n *yaml.Node, e value) error) error {
	size, err := v.types.Size(a.Type)
	if err != nil {
		return failf(n, "%w", err)
	}
	if uint64(len(n.Content)) > uint64(a.Count) {
		return failf(n, "%s has %d elements, %d are given", v.describe(), a.Count, len(n.Content))
	}
	for i, e := range n.Content {
		at := btf.Field{Type: a.Type, Offset: v.at.Offset + uint32(i)*size, Size: size}
		if err := f(e, value{v.values, at, fmt.Sprintf("%s[%d]", v.path, i)}); err != nil {
			return err
		}
	}
	return nil
}

// putHex writes bytes in hexadecimal. They are all that the value has.
func (v value) putHex(n *yaml.Node, b []byte) error {
	raw, err := parseHex(n)
	if err != nil {
		return err
	}
	if uint64(len(raw)) != uint64(v.at.Size) {
		return failf(n, "%s takes %d bytes in hexadecimal, not %d", v.describe(), v.at.Size, len(raw))
	}
	copy(b[v.at.Offset:], raw)
	return nil
}

// parseHex reads bytes in hexadecimal, with spaces and line breaks between them.
func parseHex(n *yaml.Node) ([]byte, error) {
	if n.Kind != yaml.ScalarNode {
		return nil, failf(n, "bytes are written in hexadecimal, as one text")
	}
	raw, err := hex.DecodeString(strings.Join(strings.Fields(n.Value), ""))
	if err != nil {
		return nil, failf(n, "%q is not bytes in hexadecimal, two digits for each", quote.Plain(n.Value, 40))
	}
	return raw, nil
}

// putScalar writes a number, a text, bytes or an address.
func (v value) putScalar(n *yaml.Node, b []byte) error {
	if n.Kind != yaml.ScalarNode {
		return failf(n, "%s is written as one value", v.describe())
	}
	f := record.NewField(v.types, v.name(), v.at)
	whole := b
	b = b[v.at.Offset:]
	switch f.Kind {
	case record.KindText:
		if uint64(len(n.Value)) > uint64(f.Size) {
			return failf(n, "the text has %d bytes, more than %s", len(n.Value), f.Describe())
		}
		clear(b[:f.Size])
		copy(b, n.Value)
		return nil
	case record.KindIPv6:
		a, err := netip.ParseAddr(n.Value)
		if err != nil {
			return failf(n, "%q is not an address", n.Value)
		}
		raw := a.As16()
		copy(b, raw[:])
		return nil
	case record.KindFloat:
		return v.putFloat(n, b, f.Size)
	}
	if f.Kind == record.KindBytes {
		return v.putHex(n, whole)
	}
	if !f.Number() {
		return failf(n, "%s cannot be written", f.Describe())
	}
	x, err := f.Parse(n.Value)
	if err != nil {
		return failf(n, "%w", err)
	}
	f.Put(b, x)
	return nil
}

func (v value) putFloat(n *yaml.Node, b []byte, size uint32) error {
	x, err := strconv.ParseFloat(n.Value, 64)
	if err != nil {
		return failf(n, "%q is not a number", n.Value)
	}
	if size == 4 {
		v.types.Order().PutUint32(b, math.Float32bits(float32(x)))
	} else {
		v.types.Order().PutUint64(b, math.Float64bits(x))
	}
	return nil
}

func (v value) name() string {
	if v.path == "" {
		return "value"
	}
	return v.path
}

// compare returns what of a value is not as a node says. What the node does not name is not compared.
func (v value) compare(n *yaml.Node, got []byte) ([]string, error) {
	var out []string
	each := func(n *yaml.Node, part value) error {
		more, err := part.compare(n, got)
		out = append(out, more...)
		return err
	}
	switch t := v.kind().(type) {
	case *btf.Struct:
		if n.Kind == yaml.MappingNode {
			return out, v.members(n, t, each)
		}
	case *btf.Array:
		if n.Kind == yaml.SequenceNode {
			return out, v.elements(n, t, each)
		}
	}
	want := bytes.Clone(got)
	if err := v.put(n, want, 0); err != nil {
		return nil, err
	}
	if !bytes.Equal(want, got) {
		at := ""
		if v.path != "" {
			at = v.path + " "
		}
		out = append(out, fmt.Sprintf("%sis %s, want %s", at, v.text(got), v.text(want)))
	}
	return out, nil
}

// text returns a part of a value for a message.
func (v value) text(b []byte) string {
	switch v.kind().(type) {
	case nil, *btf.Struct:
		return hex.EncodeToString(b[v.at.Offset:][:v.at.Size])
	}
	f := record.NewField(v.types, v.name(), v.at)
	return string(f.AppendText(nil, b))
}

// node returns a value as a file has it: in hexadecimal where its parts cannot be written as what they
// are.
func (v value) node(b []byte) *yaml.Node {
	if n := v.parts(b, 0); n != nil {
		return n
	}
	return v.hex(b)
}

// hex returns the bytes of a value.
func (v value) hex(b []byte) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: hex.EncodeToString(b[v.at.Offset:][:v.at.Size])}
}

// parts returns a value as what it is, nil where that cannot be written.
func (v value) parts(b []byte, depth int) *yaml.Node {
	if depth > maxNesting {
		return nil
	}
	switch t := v.kind().(type) {
	case nil:
		return v.hex(b)
	case *btf.Struct:
		if !isAddress6(t) {
			return v.structNode(t, b, depth)
		}
	case *btf.Array:
		f := record.NewField(v.types, v.name(), v.at)
		text, _ := f.Text(b)
		padding := bytes.Trim(b[v.at.Offset:][:v.at.Size][min(len(text), int(v.at.Size)):], "\x00")
		if f.Kind == record.KindText && len(padding) == 0 && utf8.Valid(text) && quote.Text(string(text)) == string(text) {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: string(text)}
		}
		if f.Kind == record.KindBytes {
			return v.hex(b)
		}
		return v.arrayNode(t, b, depth)
	}
	return v.leaf(b)
}

// structNode returns a struct as a mapping; some bytes of a union have more names than one.
func (v value) structNode(s *btf.Struct, b []byte, depth int) *yaml.Node {
	if s.Union {
		return nil
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, m := range s.Members {
		if m.Name == "" && m.BitSize != 0 { // padding
			continue
		}
		at := btf.Field{Type: m.Type, Offset: v.at.Offset + m.Offset/8, Bit: m.Offset % 8, BitSize: m.BitSize}
		at.Size, _ = v.types.Size(m.Type)
		part := value{v.values, at, m.Name}.parts(b, depth+1)
		if part == nil || m.Name == "" {
			return nil
		}
		addPair(n, m.Name, part)
	}
	return n
}

// arrayNode returns an array as a list.
func (v value) arrayNode(a *btf.Array, b []byte, depth int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	size, err := v.types.Size(a.Type)
	if err != nil {
		return nil
	}
	for i := range a.Count {
		at := btf.Field{Type: a.Type, Offset: v.at.Offset + i*size, Size: size}
		part := value{v.values, at, "element"}.parts(b, depth+1)
		if part == nil {
			return nil
		}
		n.Content = append(n.Content, part)
	}
	return n
}

// leaf returns a value that has no parts.
func (v value) leaf(b []byte) *yaml.Node {
	f := record.NewField(v.types, v.name(), v.at)
	x, _ := f.Uint(b)
	switch {
	case f.Kind == record.KindAddress:
		return scalar(fmt.Sprintf("%#x", x))
	case f.Kind == record.KindBool && x > 1, !f.Number() && f.Kind != record.KindFloat && f.Kind != record.KindIPv6:
		return nil
	}
	return scalar(string(f.AppendText(nil, b)))
}
