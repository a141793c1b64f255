package ringtype

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// guestObject reads an object of the plugins that come with bpfhost.
func guestObject(t testing.TB, name string) *spec.Collection {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../guests", name, name+".bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sender is an object whose program reserves records of these sizes, with lines of source, and whose
// BTF has structs of sizes.
func sender(t *testing.T, sends []send, structs map[string]uint32) *spec.Collection {
	t.Helper()
	b := &btf.Builder{}
	for name, size := range structs {
		b.Add(&btf.Struct{Name: name, Size: size})
	}
	b.Add(&btf.Struct{Name: "other", Size: 1})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	var insns []spec.Insn
	for _, s := range sends {
		line := btf.NewLineInfo("x.c", s.line, 1, 1)
		insns = append(insns, spec.Insn{Insn: asm.LoadMap(asm.R1, "events"), Line: line}, spec.Insn{Insn: asm.Mov64Imm(asm.R2, int32(s.size))},
			spec.Insn{Insn: asm.Mov64Imm(asm.R3, 0)}, spec.Insn{Insn: asm.Call(asm.HelperRingbufReserve)})
	}
	insns = append(insns, spec.Insn{Insn: asm.Mov64Imm(asm.R0, 0)}, spec.Insn{Insn: asm.Exit()})
	return &spec.Collection{
		BTF: types, Maps: []*spec.Map{{Name: "events", Type: spec.MapRingbuf, MaxEntries: 4096}},
		Programs: []*spec.Program{{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns...)}},
	}
}

// The type of records is what the map says, or else what has the size of what is sent.
func TestFinder(t *testing.T) {
	two := map[string]uint32{"event": 24, "state": 24}
	for _, tt := range []struct {
		name    string
		c       *spec.Collection
		edit    func(c *spec.Collection)
		id, how string
	}{
		{"by size", sender(t, []send{{24, ""}}, map[string]uint32{"event": 24}), nil, "struct event", "the only type of the size that is sent"},
		{"by source", sender(t, []send{{24, "e = bpf_ringbuf_reserve(&events, sizeof(struct event), 0);"}}, two), nil, "struct event", "as the source says"},
		{"twice", sender(t, []send{{24, ""}, {24, ""}}, map[string]uint32{"event": 24}), nil, "struct event", "the only type"},
		{"ambiguous", sender(t, []send{{24, "e = reserve(sizeof(*e));"}}, two), nil, "", "have the 24 bytes that are sent"},
		{"one is a value", sender(t, []send{{24, ""}}, two), func(c *spec.Collection) {
			id, _ := c.BTF.Find("state", btf.KindStruct)
			c.Maps = append(c.Maps, &spec.Map{Name: "m", Type: spec.MapHash, Value: id})
		}, "struct event", "the only type"},
		{"it is a value", sender(t, []send{{24, ""}}, map[string]uint32{"event": 24}), func(c *spec.Collection) {
			id, _ := c.BTF.Find("event", btf.KindStruct)
			c.Maps = append(c.Maps, &spec.Map{Name: "heap", Type: spec.MapPerCPUArray, Value: id})
		}, "struct event", "the only type"},
		{"one is a variable", sender(t, []send{{24, ""}}, two), func(c *spec.Collection) {
			id, _ := c.BTF.Find("state", btf.KindStruct)
			c.Vars = append(c.Vars, &spec.Var{Name: "v", Type: id})
		}, "struct event", "the only type"},
		{"of the kernel", sender(t, []send{{24, ""}}, two), func(c *spec.Collection) {
			id, _ := c.BTF.Find("state", btf.KindStruct)
			c.Programs[0].Insns.Edit(func(insns []spec.Insn) { insns[1].Core = &btf.CoreRelo{Type: id, Access: "0"} })
		}, "struct event", "the only type"},
		{"none", sender(t, []send{{25, ""}}, two), nil, "", "the object's BTF has no struct for the 25 bytes that are sent"},
		{"sizes", sender(t, []send{{24, ""}, {8, ""}}, two), nil, "", "records of 2 sizes, 8 to 24 bytes"},
		{"nothing", sender(t, nil, two), nil, "", "no program sends records of a known size"},
		{"no BTF", sender(t, nil, two), func(c *spec.Collection) { c.BTF = nil }, "", "the object has no BTF"},
		{"value", sender(t, []send{{1, ""}}, map[string]uint32{"event": 24}), func(c *spec.Collection) {
			c.Maps[0].Value, _ = c.BTF.Find("event", btf.KindStruct)
		}, "struct event", "as the map says"},
		{"tag", sender(t, []send{{1, ""}}, map[string]uint32{"event": 24}), func(c *spec.Collection) {
			c.Maps[0].Tags = []string{"x", "record=struct event"}
		}, "struct event", "as a tag of the map says"},
		{"compiled", guestObject(t, "execwatch"), nil, "", "no struct for the 176 bytes"},
		{"of a pointer", guestObject(t, "netwatch"), nil, "struct packet", "the only type of the size that is sent"},
		{"in a function", guestObject(t, "pktguard"), nil, "", "no struct for the 24 bytes"},
	} {
		if tt.edit != nil {
			tt.edit(tt.c)
		}
		m := tt.c.Maps[0]
		for _, x := range tt.c.Maps {
			if x.Type == spec.MapRingbuf {
				m = x
			}
		}
		id, how := NewFinder(tt.c).Of(m)
		name := ""
		if id != 0 {
			name = tt.c.BTF.TypeName(id)
		}
		if name != tt.id || !strings.Contains(how, tt.how) {
			t.Errorf("%s: %q, %s; want %q, %s", tt.name, name, how, tt.id, tt.how)
		}
	}
}
