package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Kind is what an Access is about. Its text is the word that rules, requests and messages use.
type Kind uint8

// The kinds of access.
const (
	KindPlugin     Kind = iota + 1 // Name: the plugin's own name
	KindModule                     // Name: SHA-256 of the module, in hex; Digest: the keys that signed it
	KindObject                     // Name: file name of an input object; Digest: its SHA-256
	KindObjectEdit                 // Name: file name of an input object that the plugin changed; Digest too
	KindProgram                    // Name: program type
	KindRight                      // Name: one of the Right constants
	KindHelper                     // Name: helper function
	KindKfunc                      // Name: kernel function
	KindKsym                       // Name: kernel symbol, whose address the program gets
	KindNumeric                    // Name: something that an instruction names by number; never granted
	KindAttach                     // Name: kind of hook, colon, target
	KindNetns                      // Name: path of the network namespace that a hook is in
	KindMap                        // Name: map type
	KindMapRW                      // Name: map that the plugin reads or writes while running
	KindPinRead                    // Name: path of a pinned object that is opened
	KindPinWrite                   // Name: path at which an object is pinned
	KindPinShare                   // Name: map whose pin other plugins use too
	KindPrograms                   // Value: number of programs
	KindInsns                      // Value: instructions of one program, in slots of 8 bytes
	KindMaps                       // Value: number of maps
	KindEntries                    // Value: entries of one map
	KindBytes                      // Value: bytes of one map, all CPUs together
	KindTotalBytes                 // Value: bytes of all maps
)

// kindWords is indexed by Kind.
var kindWords = [...]string{
	"", "plugin", "module", "object", "object edit", "program", "right", "helper", "kfunc", "ksym", "numeric reference",
	"attach", "netns", "map", "map-rw", "pin-read", "pin-write", "pin-share", "programs", "insns", "maps", "map-entries",
	"map-bytes", "map-bytes-total",
}

// String returns the word of the kind, e.g. "map-rw".
func (k Kind) String() string {
	if int(k) < len(kindWords) {
		return kindWords[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// The names of KindRight accesses.
const (
	RightSleepable    = "sleepable"     // a program that may sleep
	RightFreplace     = "freplace"      // a program that replaces a function of another one (type ext)
	RightSyscall      = "syscall"       // a program that may call bpf(2) itself (type syscall)
	RightStructOps    = "struct_ops"    // a program that implements kernel callbacks (type struct_ops)
	RightModifyReturn = "modify_return" // a tracing program that overrides what a kernel function returns
)

// Access is one fact to be evaluated: something that a plugin does or that its plan contains.
type Access struct {
	Kind   Kind
	Name   string
	Value  uint64 // of kinds that count
	Digest string // of KindObject and KindModule
	Where  string // the place for messages, e.g. "insn 31 of count_drops"
	Source string // the line of source at or above that place, "drops.bpf.c:38"; empty is unknown
}

// Module is the fact that the plugin is a module, which these keys signed.
func Module(sha256 string, signers []signature.Key) Access {
	var b strings.Builder
	for i, k := range signers {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(k))
	}
	return Access{Kind: KindModule, Name: sha256, Digest: b.String()}
}

// ProgramType is the fact that a program has a type.
func ProgramType(t spec.ProgramType) Access {
	name := t.String()
	if _, known := spec.ParseProgramType(name); !known {
		name = "#" + strconv.FormatUint(uint64(t), 10)
	}
	return Access{Kind: KindProgram, Name: name}
}

// MapType is the fact that a map has a type.
func MapType(t spec.MapType) Access {
	name := t.String()
	if _, known := spec.ParseMapType(name); !known {
		name = "#" + strconv.FormatUint(uint64(t), 10)
	}
	return Access{Kind: KindMap, Name: name}
}

// Helper is the fact that a helper is called.
func Helper(h asm.Helper) Access {
	name := h.String()
	if _, known := asm.ParseHelper(name); !known {
		name = "#" + strconv.FormatInt(int64(h), 10)
	}
	return Access{Kind: KindHelper, Name: name}
}

// Attach is the fact that a program is attached to a target. Where in a function is not part of it.
func Attach(t spec.Target) Access {
	t.Offset = 0
	return Access{Kind: KindAttach, Name: t.Kind.String() + ":" + t.String()}
}

// MapRW is the fact that the plugin uses a loaded map.
func MapRW(name string) Access { return Access{Kind: KindMapRW, Name: name} }

// ObjectEdit is the fact that the plugin changes an input object.
func ObjectEdit(name string) Access { return Access{Kind: KindObjectEdit, Name: name} }

// unknown reports whether the name is the number of something that this version has no name for.
// Nothing can be known of it, so only a pattern that says exactly that number grants it.
func (a Access) unknown() bool { return strings.HasPrefix(a.Name, "#") }

// String says what the access is and where, in one line that is safe to print, e.g.
// "helper bpf_probe_write_user (insn 31 of count_drops)".
func (a Access) String() string {
	var b strings.Builder
	switch a.Kind {
	case KindPrograms, KindInsns, KindMaps, KindEntries:
		fmt.Fprintf(&b, "%s %d", a.Kind, a.Value)
	case KindBytes, KindTotalBytes:
		fmt.Fprintf(&b, "%s %s", a.Kind, formatSize(a.Value))
	case KindRight:
		b.WriteString(printable(a.Name))
	default:
		b.WriteString(a.Kind.String())
		if a.Name != "" {
			b.WriteString(" " + printable(a.Name))
		}
	}
	if a.Where != "" {
		fmt.Fprintf(&b, " (%s)", printable(a.Where))
	}
	return b.String()
}

// printable returns text as it is if a terminal shows it as it is, and quoted otherwise.
func printable(text string) string { return quote.Plain(text, 300) }
