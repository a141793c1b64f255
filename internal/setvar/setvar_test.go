package setvar

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
)

func netwatch(t testing.TB) *spec.Collection {
	t.Helper()
	b, err := os.ReadFile("../../guests/netwatch/netwatch.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Values become the bytes that the type says, and nothing else changes.
func TestParse(t *testing.T) {
	for _, tt := range []struct{ path, value, at, want string }{
		{"reported", "258", "reported", "0201000000000000"},
		{"cfg.limit", "0x10", "cfg.limit", "10000000"},
		{"cfg.delta", "-2", "cfg.delta", "feff"},
		{"cfg.mark", "true", "cfg.mark", "01"},
		{"cfg.verdict", "DROP", "cfg.verdict", "01000000"},
		{"cfg.port", "53", "cfg.port", "0035"},
		{"cfg.source", "10.0.0.1", "cfg.source", "0a000001"},
		{"cfg.source", "1", "cfg.source", "00000001"},
		{"cfg.tag", "ab", "cfg.tag", "6162000000000000"},
		{"cfg.tag", "", "cfg.tag", "0000000000000000"},
		{"cfg.low", "15", "cfg.low", "0f"},
		{"cfg.limits[2].rate", "7", "cfg.limits[2].rate", "07000000"},
	} {
		c := netwatch(t)
		w, err := Parse(c, tt.path, tt.value)
		if err == nil {
			err = w.Apply(c)
		}
		if err != nil {
			t.Errorf("%s=%s: %v", tt.path, tt.value, err)
			continue
		}
		at, err := c.VarPath(tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := at.Bytes(c); err != nil || hex.EncodeToString(got) != tt.want {
			t.Errorf("%s=%s: %x, %v, want %s", tt.path, tt.value, got, err, tt.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	c := netwatch(t)
	for _, tt := range []struct{ path, value, want string }{
		{"cfg.limits[3].rate", "1", "index 3 of 3 elements"},
		{"cfg.limits[0].rat", "1", `cfg.limits[0] has no rat, did you mean "cfg.limits[0].rate"?`},
		{"cfg.tag", "a\x00b", "a text cannot have a NUL in it"},
		{"none", "1", `there is no variable "none"`},
		{"", "1", `there is no variable ""`},
		{"cfg.low", "16", "16 does not fit cfg.low (__u8, 4 bits), which takes 0 to 15"},
		{"cfg.source", "10.0.0.256", "is not a number"},
	} {
		if _, err := Parse(c, tt.path, tt.value); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%s: %v, want %s", tt.path, tt.value, err, tt.want)
		}
	}
}

// Without types a variable is a number if its size is that of one; an extern is none of the object's.
func TestParseUntyped(t *testing.T) {
	c := &spec.Collection{
		Order: asm.BigEndian,
		Maps:  []*spec.Map{{Name: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		Vars:  []*spec.Var{{Name: "n", Map: ".data", Size: 2}, {Name: "text", Map: ".data", Offset: 2, Size: 5}},
	}
	c.Externs = append(c.Externs, spec.Extern{Name: "CONFIG_HZ", Kind: spec.ExternKconfig})
	w, err := Parse(c, "n", "258")
	if err == nil {
		err = w.Apply(c)
	}
	if err != nil || hex.EncodeToString(c.Maps[0].Data) != "0102000000000000" {
		t.Errorf("%x, %v", c.Maps[0].Data, err)
	}
	for path, want := range map[string]string{"text": "the object has no types, and the 5 bytes of text are not a number", "CONFIG_HZ": "a kconfig, which the kernel provides"} {
		if _, err := Parse(c, path, "1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Parse(c, "n", "65536"); err == nil || !strings.Contains(err.Error(), `"65536" is not a number from 0 to 65535`) {
		t.Errorf("too large: %v", err)
	}
}
