package spec

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/google/go-cmp/cmp"
)

var write = flag.Bool("write", false, "write golden files")

// golden compares text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *write {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

func TestText(t *testing.T) {
	c := sample(t)
	c.KernelVersion = 0x50a00
	c.Notes = []Note{{"N03", "odd \x1b[31m thing"}}
	c.Maps[0].Pinning = PinByName
	c.Maps[0].Tags = []string{"a", "b"}
	c.Maps = append(c.Maps,
		&Map{Name: "outer", Type: MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: &Map{Name: "outer.inner", Type: MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1}, Values: []MapValue{{1, "flows"}}},
		&Map{Name: "strange name\u202e", Type: MapType(250), Extra: 1 << 40, Flags: FlagNUMANode, NUMANode: 1, Key: 3},
	)
	p := c.Programs[0]
	p.Section, p.AttachTo, p.Flags, p.Optional = "xdp", "eth", FlagXDPFrags, true
	p.LabelNames = map[asm.Label]string{1: "out"}
	p.Insns.private()[0].Line = btf.NewLineInfo("a.c", "\tx = 1;", 3, 7)
	p.Insns.private()[1].Line = btf.NewLineInfo("a.c", "\tx = 1;", 3, 7)
	p.Insns.private()[2].Core = &btf.CoreRelo{Type: 9, Access: "0:1"}
	c.Attach = append(c.Attach, Attach{Program: "main", Kind: HookXDP, Target: "veth\x00", Netns: "/run/netns/a b", Flags: 4, Cookie: 7, Optional: true})
	text := c.String()
	golden(t, "collection.txt", text)
	if again := c.Clone().String(); again != text {
		t.Error("a clone has another text")
	}
	for i := range len(text) {
		if b := text[i]; b >= 0x7f || b < 0x20 && b != '\n' && b != '\t' {
			t.Fatalf("byte %#x in the text", b)
		}
	}
}

func TestHexBytes(t *testing.T) {
	a, b := make([]byte, 100), make([]byte, 100)
	b[99] = 1
	if hexBytes(a) == hexBytes(b) {
		t.Error("different data look the same")
	}
	if got := hexBytes([]byte{1, 0xab}); got != "01 ab" {
		t.Error(got)
	}
}
