package object

import "strings"

// Names of sections that mean something, by the conventions of libbpf and LLVM.
const (
	KconfigSection = ".kconfig"      // kernel configuration; declared in BTF only
	KsymsSection   = ".ksyms"        // kernel symbols and functions; declared in BTF only
	ArenaSection   = ".addr_space.1" // variables of the second address space, which live in the arena
	JumpSection    = ".jumptables"   // tables of places that gotox goes to (LLVM 22)
)

// JumpEntry is the size of an entry of a jump table in bytes: how far from the start of its section
// the place is, in bytes.
const JumpEntry = 8

// OptionalMark before the name of a section says that its programs are loaded only on demand.
const OptionalMark = "?"

// IsData reports whether a section of that name holds variables: .data, .rodata and .bss and what
// is named after them.
func IsData(name string) bool {
	for _, base := range []string{".data", ".rodata", ".bss"} {
		if name == base || strings.HasPrefix(name, base+".") {
			return true
		}
	}
	return false
}
