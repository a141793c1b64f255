package object_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// TestExtendedIndex gives the symbol of a function its section by the table of extended numbers,
// as files with more than 65,000 sections have it.
func TestExtendedIndex(t *testing.T) {
	object := func(entries int, link uint32, index uint32) []byte {
		f, err := elftest.Assemble("section xdp\n.func main\nr0 = 1\nexit")
		if err != nil {
			t.Fatal(err)
		}
		// Symbols: null, three sections, main. Sections: null, xdp, .BTF, this one, the symbols.
		table := make([]byte, 4*entries)
		binary.LittleEndian.PutUint32(table[len(table)-4:], index)
		f.Sections = append(f.Sections, elftest.Section{Name: "indexes", Type: elftest.Shndx, Data: table, Link: link, Entry: 4})
		f.Symbol("main").Index = 0xffff
		return f.Bytes()
	}
	c, err := elf.LoadBytes(object(5, 4, 1), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Program("main") == nil {
		t.Error("the function was not found")
	}
	for _, tt := range []struct {
		data []byte
		want string
	}{
		{object(4, 4, 1), "indexes+0x0: 16 bytes do not fit 5 symbols"},
		{object(5, 3, 1), "symbol 4 has an extended section number, but there is no table of them"},
	} {
		if _, err := elf.LoadBytes(tt.data, elf.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	if c, err := elf.LoadBytes(object(5, 4, 1<<31), elf.Options{}); err != nil || len(c.Programs) != 0 {
		t.Errorf("a symbol in no section that nothing refers to: %v, %v", c, err)
	}
}
