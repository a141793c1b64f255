package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// wrong is a program that the verifier must refuse.
type wrong struct {
	name       string
	kind       spec.ProgramType
	attach     spec.AttachType
	license    string
	withSource bool
	text       string // instructions
}

// casesDir is where the cases and what kernels say of them are.
var casesDir = filepath.Join("testdata", "verifier")

// readCases reads the file of cases.
func readCases(t *testing.T) []wrong {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(casesDir, "cases.txt"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := parseCases(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func parseCases(text string) ([]wrong, error) {
	var cases []wrong
	for line := range strings.Lines(text) {
		head, ok := strings.CutPrefix(line, "== ")
		switch {
		case ok:
			c, err := parseHead(strings.Fields(head))
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(cases, func(o wrong) bool { return o.name == c.name }) {
				return nil, fmt.Errorf("case %s is there twice", c.name)
			}
			cases = append(cases, c)
		case len(cases) > 0:
			cases[len(cases)-1].text += line
		}
	}
	return cases, nil
}

func parseHead(words []string) (wrong, error) {
	if len(words) < 2 {
		return wrong{}, fmt.Errorf("case %q has no type", words)
	}
	c := wrong{name: words[0], license: "GPL"}
	var ok bool
	if c.kind, ok = spec.ParseProgramType(words[1]); !ok {
		return c, fmt.Errorf("case %s: type %q is unknown", c.name, words[1])
	}
	for _, w := range words[2:] {
		if l, isLicense := strings.CutPrefix(w, "license="); isLicense {
			c.license = l
		} else if w == "lines" {
			c.withSource = true
		} else if c.attach, ok = spec.ParseAttachType(w); !ok {
			return c, fmt.Errorf("case %s: %q is unknown", c.name, w)
		}
	}
	return c, nil
}

// collection returns a spec of the case, with those maps that it names.
func (w wrong) collection() (*spec.Collection, error) {
	listing, err := asm.Parse(w.text)
	if err != nil {
		return nil, err
	}
	types, err := caseTypes()
	if err != nil {
		return nil, err
	}
	c := &spec.Collection{Order: asm.LittleEndian, License: w.license}
	p := &spec.Program{Name: "case", Type: w.kind, AttachType: w.attach}
	insns := make([]spec.Insn, 0, len(listing.Insns))
	for i, in := range listing.Insns {
		n := spec.Insn{Insn: in}
		if name, ok := listing.Funcs[i]; ok || i == 0 {
			n.Func = &btf.FuncInfo{Name: name}
		}
		if w.withSource {
			c.BTF = types
			n.Line = btf.NewLineInfo(w.name+".c", "\t"+in.String()+";", uint32(10+i), 2)
			if n.Func != nil {
				n.Func.Type = typeFunc
			}
		}
		insns = append(insns, n)
		if name := in.Symbol; in.Ref == asm.RefMap && c.Map(name) == nil {
			m, ok := caseMaps[name]
			if !ok {
				return nil, fmt.Errorf("case %s: there is no map %q", w.name, name)
			}
			m.Name = name
			if m.Value != 0 {
				c.BTF = types
			}
			c.Maps = append(c.Maps, &m)
		}
	}
	p.Insns = spec.NewInsns(insns...)
	c.Programs = []*spec.Program{p}
	return c, nil
}

// The ids of caseTypes.
const (
	typeInt = iota + 1
	typeProto
	typeFunc
	typeLock
	typeValue
)

// caseTypes are a function without arguments, and a map value with a spin lock.
func caseTypes() (*btf.Types, error) {
	var b btf.Builder
	b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	b.Add(&btf.FuncProto{Return: typeInt})
	b.Add(&btf.Func{Name: "f", Type: typeProto})
	b.Add(&btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: []btf.Member{{Name: "val", Type: typeInt}}})
	b.Add(&btf.Struct{Name: "value", Size: 16, Members: []btf.Member{{Name: "lock", Type: typeLock}, {Name: "n", Type: typeInt, Offset: 64}}})
	return b.Types()
}

// caseMaps are the maps that cases may name.
var caseMaps = map[string]spec.Map{
	"array":    {Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
	"fixed":    {Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: spec.FlagReadOnlyProg},
	"hash":     {Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 8},
	"locked":   {Type: spec.MapHash, KeySize: 4, ValueSize: 16, MaxEntries: 8, Key: typeInt, Value: typeValue},
	"ring":     {Type: spec.MapRingbuf, MaxEntries: 4096},
	"programs": {Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
}

func TestParseCases(t *testing.T) {
	for text, want := range map[string]string{
		"== a xdp\nexit\n== a xdp\n":    "there twice",
		"== a\n":                        "has no type",
		"== a nosuch\n":                 "type \"nosuch\" is unknown",
		"== a xdp other\n":              "\"other\" is unknown",
		"# text before\n== b xdp\nexit": "",
	} {
		_, err := parseCases(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	for _, c := range readCases(t) {
		if _, err := c.collection(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
