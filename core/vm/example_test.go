package vm_test

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/vm"
)

func Example() {
	object, err := os.ReadFile("../../guests/pktguard/pktguard.bpf.o")
	if err != nil {
		log.Fatal(err)
	}
	c, err := elf.LoadBytes(object, elf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	m, err := vm.New(c, vm.Options{})
	if err != nil {
		log.Fatal(err)
	}
	blocked := []byte{192, 0, 2, 1}
	if err := m.Map("blocked").Update(blocked, make([]byte, 8), vm.Any); err != nil {
		log.Fatal(err)
	}
	packet := frame(6, 0xc0000201) // TCP from 192.0.2.1
	r, err := m.Run("pktguard", vm.Input{Packet: packet})
	if err != nil {
		log.Fatal(err)
	}
	hits, _, _ := m.Map("blocked").Lookup(blocked)
	drop, _ := m.Ring("drops").Read()
	fmt.Println("verdict", r.Return) // XDP_DROP
	fmt.Println("hits", binary.LittleEndian.Uint64(hits))
	fmt.Printf("reported %d.%d.%d.%d\n", drop[8], drop[9], drop[10], drop[11])
	// Output:
	// verdict 1
	// hits 1
	// reported 192.0.2.1
}

// TestExampleInManual holds that the manual's example is the one that runs.
func TestExampleInManual(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/vm.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```go\n")
	code, output, _ := strings.Cut(code, "```\n")
	_, output, _ = strings.Cut(output, "```text\n")
	output, _, _ = strings.Cut(output, "```\n")
	if code == "" || !strings.Contains(string(source), "\t"+strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n\t")) {
		t.Errorf("docs/vm.md does not show the code of Example:\n%s", code)
	}
	want := "\t// Output:\n\t// " + strings.ReplaceAll(strings.TrimSpace(output), "\n", "\n\t// ")
	if !strings.Contains(string(source), want) {
		t.Errorf("docs/vm.md does not show the output of Example:\n%s", output)
	}
}
