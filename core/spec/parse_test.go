package spec

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/google/go-cmp/cmp"
)

// full is a collection with something in every field.
func full(t testing.TB) *Collection {
	t.Helper()
	c := sample(t)
	var b btf.Builder
	b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	b.Add(&btf.Struct{Name: "odd\u202e name", Size: 4, Members: []btf.Member{{Name: "a", Type: 1}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c.BTF = types
	c.KernelVersion = 0x50a00
	c.License = "x\ny"
	c.Notes = []Note{{"N03", "odd \x1b[31m thing"}}
	c.Hidden = []string{"helper", "two words"}
	c.Maps[0].Pinning, c.Maps[0].Tags = PinByName, []string{"a, b", "c"}
	c.Maps[0].Key, c.Maps[0].Value = 1, 2
	c.Maps = append(c.Maps,
		&Map{Name: "outer", Type: MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: &Map{Name: "inner one", Type: MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Key: 1, Tags: []string{"t"}}, Values: []MapValue{{1, "flows"}}},
		&Map{Name: "strange name\u202e", Type: MapType(250), Extra: 1 << 40, Flags: FlagNUMANode, NUMANode: 1, Key: 3, Optional: true, Pinning: 7},
		&Map{Name: "zero", Type: MapArray, KeySize: 4, ValueSize: 40, MaxEntries: 1, Data: make([]byte, 40)},
		&Map{Name: "arena", Type: MapArena, MaxEntries: 1, Data: []byte{0, 1}},
	)
	c.Vars[1].Linkage = LinkHidden
	c.Externs = append(c.Externs, Extern{Name: "weak", Kind: ExternKsym, Type: 2, Weak: true}, Extern{Name: "b c", Kind: ExternKconfig, Type: 1})
	p := c.Programs[0]
	p.Section, p.AttachTo, p.Flags, p.Optional = "xdp", "eth", FlagXDPFrags, true
	p.AttachType, p.Exception = AttachType(200), "helper"
	p.LabelNames = map[asm.Label]string{1: "out"}
	p.Insns.private()[0].Func = &btf.FuncInfo{Name: "main", Type: 2}
	p.Insns.private()[0].Line = btf.NewLineInfo("a.c", "\tx = \"1\"; // é", 3, 7)
	p.Insns.private()[1].Line = btf.NewLineInfo("a.c", "\tx = \"1\"; // é", 3, 7)
	p.Insns.private()[2].Line = btf.NewLineInfo("a b:c", "", 4, 0)
	p.Insns.private()[2].Core = &btf.CoreRelo{Type: 9, Access: "0:1", Kind: 3}
	c.Attach = append(c.Attach, Attach{Program: "main", Kind: HookXDP, Target: "veth\x00", Netns: "/run/netns/a b", Flags: 4, Cookie: 7, Optional: true}, Attach{Program: "main", Kind: 77})
	return c
}

func TestParse(t *testing.T) {
	want := full(t)
	text := want.String()
	got, err := Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if again := got.String(); again != text {
		t.Errorf("text changes: %s", cmp.Diff(text, again))
	}
	if d := Diff(want, got); len(d) > 0 {
		t.Errorf("collection changes: %s", AppendChanges(nil, d))
	}
	if string(got.BTF.Bytes()) != string(want.BTF.Bytes()) {
		t.Error("types change")
	}
	got.BTF, want.BTF = nil, nil
	for _, c := range []*Collection{got, want} { // only the numbers of labels may differ
		for _, p := range c.Programs {
			p.LabelNames = nil
			p.Insns.Edit(func(insns []Insn) {
				for i := range insns {
					insns[i].Label, insns[i].Target = 0, 0
				}
			})
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseEdited(t *testing.T) {
	text := full(t).String()
	for _, r := range [][2]string{{"\tvalue 7\n", "\tvalue 0x10\n"}, {"\tvalue 01 02 03\n", "\tvalue 04 05 06\n"}, {"max_entries 128", "max_entries 0x100"}, {"r0 = 2", "r0 = FIVE ; it was 2"}, {".func main\n", ".const FIVE = 5\n.func main\n"}} {
		if !strings.Contains(text, r[0]) {
			t.Fatalf("no %q in\n%s", r[0], text)
		}
		text = strings.Replace(text, r[0], r[1], 1)
	}
	c, err := Parse("# edited\n\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := c.Var("limit").Uint(c); x != 16 {
		t.Errorf("limit is %d", x)
	}
	if b, _ := c.Var("ports").Bytes(c); string(b) != "\x04\x05\x06" {
		t.Errorf("ports is % x", b)
	}
	if c.Map("flows").MaxEntries != 256 || c.Programs[0].Insns.read()[4].Imm != 5 {
		t.Error("edits are lost")
	}
	if r := c.Programs[0].Insns.At(2).Core; r == nil || r.Type != 9 {
		t.Errorf("record of instruction 2 is %+v", r)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"x":                                  "line 1:1: expected license",
		"license ":                           "line 1:9: expected a text",
		"license \"a":                        "line 1:9: quoted text has no end",
		"order odd":                          `line 1:6: unknown byte order "odd"`,
		"version 0x100000000":                "line 1:9: ",
		"map a\n\tkey_size x":                `line 2:11: "x" is not a number of 32 bits`,
		"map a\n\tcolour 3":                  `line 2:2: unknown property "colour"`,
		"map a\n\t\tkey_size 3":              "line 2:3: too many tabs",
		"map a\n\ttype strange":              `line 2:7: unknown map type "strange"`,
		"map a\n\tpinning 1 2":               "line 2:12: expected the end of the line",
		"map a\n\tdata+0x0 01":               "line 2:11: bytes 0 to 1 are outside the 0 of the value",
		"map a\n\tdata+x 01":                 "line 2:2: malformed offset",
		"map a\n\tvalue_size 4\n\tdata+0 zz": "line 3:9: malformed bytes",
		"map a\n\tvalue_size 4294967295\n\tdata+0 00":     "line 3:9: more than",
		"map a\n\ttype arena\n\tdata+0xffffff00 00":       "line 3:18: more than",
		"map a\n\tinner b\n\tinner c":                     "already",
		"var a\n\tlinkage odd":                            `line 2:10: unknown linkage "odd"`,
		"var a\n\tmap m\n\tvalue 3":                       `line 3:8: read variable "a": its map "m" does not exist`,
		"extern odd a":                                    `line 1:8: unknown kind of extern "odd"`,
		"extern ksym a b":                                 `line 1:15: "b" is not a number of a type`,
		"attach a odd":                                    `line 1:10: unknown kind of attachment "odd"`,
		"program p\n\ttype xdp\n.func p\n\tr0 = 0\n\tjmp": "line 5:2: ",
		"program p\n; @line a.c\n\texit":                  "line 2:9: expected FILE:LINE:COLUMN",
		"program p\n\texit\n; @line a.c:1:2 \"x\"":        "line 3:4: no instruction follows",
		"program p\n; @type 3\n\texit":                    "line 2:4: no function starts",
		"program p\n; @same\n\texit":                      "line 2:4: the instruction before",
		"program p\n; @core odd 3 \"0\"\n\texit":          "line 2:9: unknown kind of CO-RE",
		"program p\n; @odd\n\texit":                       "line 2:4: unknown record",
		"btf 4\n\t!!":                                     "line 2:2: malformed base64",
		"btf 1\n\tAAAA":                                   "line 2:2: more than 1 bytes",
		"btf 9\n\tAAAA":                                   "3 bytes of types, 9 were announced",
		"btf 3\n\tAAAA":                                   "line 2:1: ",
	} {
		c, err := Parse(text)
		var bad *asm.ParseError
		switch {
		case err == nil:
			t.Errorf("%q is read as\n%s", text, c)
		case !errors.As(err, &bad):
			t.Errorf("%q: %v is no ParseError", text, err)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestUncomment(t *testing.T) {
	for in, want := range map[string]string{
		"exit ; x":              "exit ",
		"call bpf_x#1 # y":      "call bpf_x#1 ",
		"r1 = map[a;b] ll // c": "r1 = map[a;b] ll ",
		`r1 = map["a\"];b"] ll`: `r1 = map["a\"];b"] ll`,
		"L1:;x":                 "L1:",
		"#x":                    "",
	} {
		if got := uncomment(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

// FuzzParse checks that what is read once is written and read the same from then on.
func FuzzParse(f *testing.F) {
	f.Add(full(f).String())
	f.Add(sample(f).String())
	f.Add("map a\n\ttype arena\n\tdata+0x8 01\nprogram p\nL1:\n\tgoto L1\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		once := c.String()
		again, err := Parse(once)
		if err != nil {
			if c.Check() != nil {
				return // such as an instruction that refers to what it cannot
			}
			t.Fatalf("%v in what was written:\n%s", err, once)
		}
		if twice := again.String(); c.Check() == nil && twice != once {
			t.Fatalf("text changes: %s", cmp.Diff(once, twice))
		}
	})
}
