package filter

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/record"
)

// packetType is struct packet of the netwatch object.
func packetType(t testing.TB) *record.Type {
	t.Helper()
	b, err := os.ReadFile("../../guests/netwatch/netwatch.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.BTF.Find("packet", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	typ, err := record.NewType(c.BTF, id)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// packet is a record: from 10.0.0.1 to 192.168.0.1 port 53, DROP, tag "hello", delta -3.
func packet() []byte {
	b := []byte{10, 0, 0, 1, 192, 168, 0, 1, 0, 53, 0, 0}
	b = binary.LittleEndian.AppendUint16(b, 60)
	b = append(b, 17, 1|5<<1, 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = append(b, "hello\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint32(b, 0xfffffffd)
	b = append(b, 'm', 'a', 'c', 0, 0, 1, 1, 0, 2, 0)
	b = append(b, make([]byte, 48-len(b))...)
	return binary.LittleEndian.AppendUint64(b, 1<<63)
}

func TestMatch(t *testing.T) {
	typ := packetType(t)
	for text, want := range map[string]bool{
		`proto == 17`: true, `17 == proto`: true, `proto != 17`: false, `proto > 16 && proto < 18`: true, `18 <= proto`: false,
		`proto >= 17 and not (length > 60)`: true, `proto == 1 || length == 60`: true, `!(proto == 17)`: false, `not marked`: false, `marked`: true,
		`marked == true`: true, `marked == false`: false, `marked && options == 5`: true, `fragment == 1`: true,
		`delta == -3`: true, `delta < 0`: true, `delta > -4`: true, `delta >= length`: false, `length > delta`: true,
		`seen > 9223372036854775807`: true, `seen == "9223372036854775808"`: true, `seen > "0x7fffffffffffffff"`: true, `delta < seen`: true,
		`verdict == DROP`: true, `DROP == verdict`: true, `verdict == "DROP"`: true, `verdict == 1`: true, `verdict != SEEN`: true, `verdict in ["PASS", DROP]`: true,
		`tag == "hello"`: true, `tag != "hell"`: true, `tag == tag`: true, `tag contains "ell"`: true, `tag startsWith "he"`: true, `tag endsWith "lo"`: true,
		`tag matches "^h.*o$"`: true, `not (tag matches "x")`: true, `tag not in ["a", "hello"]`: false, `tag in ["a", "hello"]`: true,
		`mac == "mac"`: true, `mac startsWith "ma"`: true,
		`flow.source == "10.0.0.1"`: true, `flow.source in "10.0.0.0/8"`: true, `flow.source in "11.0.0.0/8"`: false, `flow.source != flow.dest`: true,
		`flow.port == 53`: true, `flow.port in 50..60`: true, `flow.port in 54..60`: false, `flow.port in [1, 53]`: true, `ports[1] == 2`: true, `ports[0] == 2`: false,
		`bitand(options, 4) != 0`: true, `bitand(options, 2) != 0`: false, `bitand(delta, 0xffff) == 0xfffd`: true, `true`: true, `false || proto == 17`: true,
	} {
		f, err := Compile(text, typ)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Match(packet()); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if f.String() != text || f.Tree() == nil {
			t.Errorf("%s: the text is %s, the tree %v", text, f, f.Tree())
		}
	}
}

// No comparison holds with a field that a record ends before.
func TestMatchShort(t *testing.T) {
	typ := packetType(t)
	for _, text := range []string{"seen == 0", "seen != 0", "tag == \"\"", "tag != \"\"", "marked", "ports[1] in 0..9", "tag contains \"\"", "seen in [0, 1]", "length < seen", "bitand(seen, 1) == 0"} {
		f, err := Compile(text, typ)
		if err != nil {
			t.Fatal(err)
		}
		if f.Match(packet()[:14]) || f.Match(nil) {
			t.Errorf("%s holds", text)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	typ := packetType(t)
	for text, want := range map[string]string{
		``:                            "column 1: it ends too early",
		`proto ==`:                    "column 8: it ends too early",
		`proto = 17`:                  "column 7: = is not an operator; compare with ==",
		`proto & 1`:                   "column 7: & is not an operator of filters",
		`proto`:                       "column 1: proto (__u8) is not true or false; compare it, as in proto != 0",
		`17`:                          "column 1: a number is not a condition",
		`proto == 300`:                "column 10: 300 does not fit proto (__u8), which takes 0 to 255",
		`proto in [1, 300]`:           "column 14: 300 does not fit proto",
		`proto == -1`:                 "-1 does not fit proto (__u8)",
		`porto == 1`:                  `column 1: struct packet has no field "porto", did you mean "ports" or "proto"?`,
		`proto == 1 && flow.prt == 1`: `column 15: struct packet has no field "flow.prt", did you mean "flow.port"?`,
		`flow == 1`:                   "flow is a struct flow",
		`ports == 1`:                  "ports (__u16[2]) cannot be compared; name an element of it",
		`verdict == DORP`:             `column 12: "DORP" is not a value of enum verdict, did you mean "DROP"?`,
		`verdict == "DORP"`:           `column 12: "DORP" is not a value of enum verdict, did you mean "DROP"?`,
		`tag == 5`:                    "column 8: tag (char[8]) is compared with a text in quotes",
		`tag > "a"`:                   "tag (char[8]) is not a number",
		`tag == proto`:                "tag (char[8]) and proto (__u8) are not of one kind",
		`proto == tag`:                "proto (__u8) is a number, tag (char[8]) is not",
		`proto contains "x"`:          "column 1: proto (__u8) is not a text",
		`tag contains proto`:          "contains takes a text in quotes",
		`tag matches "("`:             "error parsing regexp",
		`tag == "123456789"`:          "has 9 bytes, more than tag (char[8]) can have",
		`flow.source == "10.0.0"`:     `"10.0.0" is not a number, as flow.source (__be32) is`,
		`flow.source in "10.0.0.0"`:   `is not a network like "10.0.0.0/8"`,
		`proto in "10.0.0.0/8"`:       "proto (__u8) is not an address",
		`proto in 17`:                 "in takes a list",
		`proto + 1 == 18`:             "is not a field",
		`1 == 1`:                      "one side has to be a field",
		`len(tag) == 5`:               "filters have no function len",
		`system("x")`:                 "function system is not a condition",
		`proto == 17 ? true : false`:  "this is not a condition",
		`seen > 18446744073709551615`: "column 8: the number is too large; write it as text",
		`proto == 1.5`:                "column 10: a number does not go with proto (__u8)",
		`proto == true`:               "proto (__u8) is not true or false",
		`marked == 2`:                 "2 does not fit marked (_Bool), which takes true and false",
		`proto == 17)`:                `column 12: ")" is not expected here`,
		"tag == \"\x1b":               "column",
		strings.Repeat("!", 20000):    "at most 16384 are read",
	} {
		_, err := Compile(text, typ)
		var e *Error
		if err == nil || !errors.As(err, &e) || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
}

// A name that records do not have is told from other faults.
func TestErrorField(t *testing.T) {
	var e *Error
	if _, err := Compile("pid == 1", packetType(t)); !errors.As(err, &e) || e.Field != "pid" {
		t.Errorf("%v: %+v", err, e)
	}
	if _, err := Compile("proto == 300", packetType(t)); !errors.As(err, &e) || e.Field != "" {
		t.Errorf("%v: %+v", err, e)
	}
}

func TestMatchFloat(t *testing.T) {
	b := &btf.Builder{}
	f64 := b.Add(&btf.Float{Name: "double", Size: 8})
	id := b.Add(&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{{Name: "load", Type: f64}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	typ, err := record.NewType(types, id)
	if err != nil {
		t.Fatal(err)
	}
	rec := func(x float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)) }
	for text, want := range map[string]bool{"load > 1.5": true, "load == 2": true, "load < -1": false, "load in 1..3": true, "3 > load": true} {
		f, err := Compile(text, typ)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if f.Match(rec(2)) != want || f.Match(rec(math.NaN())) || f.Match(nil) {
			t.Errorf("%s is wrong", text)
		}
	}
}

func TestMatchAllocates(t *testing.T) {
	f, err := Compile(`proto == 17 && tag != "x" && flow.source in "10.0.0.0/8" && (verdict == DROP || seen > 5)`, packetType(t))
	if err != nil {
		t.Fatal(err)
	}
	rec := packet()
	if n := testing.AllocsPerRun(100, func() { f.Match(rec) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`proto == 17 && tag != "x"`, `bitand(options, 4) in [1, 2..3]`, `a?.b[1].c`, `flow.source in "10.0.0.0/8"`, `let x = 1; x`, `{a: 1}`, `#.x`, `tag matches "("`} {
		f.Add(s)
	}
	typ := packetType(f)
	rec := packet()
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Compile(s, typ)
		if err == nil {
			c.Match(rec)
			c.Match(rec[:20])
		} else if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %q", s, err)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	f, err := Compile(`proto == 17 && tag != "x"`, packetType(b))
	if err != nil {
		b.Fatal(err)
	}
	rec := packet()
	for b.Loop() {
		f.Match(rec)
	}
}
