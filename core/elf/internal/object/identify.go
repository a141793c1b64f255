package object

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ErrNotObject says that the input is not an eBPF object file at all. The text of the error says
// what it is instead, for example "this is a gzip file: not an eBPF object file".
var ErrNotObject = errors.New("not an eBPF object file")

// magic is how a kind of file that is easily taken for an object begins.
type magic struct {
	prefix string
	at     int
	what   string
	next   string // what to do about it; empty where nothing helps
}

const (
	unpack  = "unpack it first"
	extract = "extract its members first"
	compile = "compile it first, with clang --target=bpf"
)

var magics = []magic{
	{"\x1f\x8b", 0, "a gzip file", unpack},
	{"\x28\xb5\x2f\xfd", 0, "a zstd file", unpack},
	{"\xfd7zXZ\x00", 0, "an xz file", unpack},
	{"BZh", 0, "a bzip2 file", unpack},
	{"PK\x03\x04", 0, "a zip file", unpack},
	{"\x89PNG\r\n\x1a\n", 0, "a PNG image", ""},
	{"\xff\xd8\xff", 0, "a JPEG image", ""},
	{"%PDF-", 0, "a PDF document", ""},
	{"\x00asm", 0, "a WebAssembly module", "a plugin is not an object, it patches some"},
	{"!<arch>\n", 0, "an ar archive", extract},
	{"!<thin>\n", 0, "an ar archive", extract},
	{"ustar", 257, "a tar archive", extract},
	{"BC\xc0\xde", 0, "LLVM bitcode", compile},
	{"\x9f\xeb", 0, "BTF without an ELF file around it", ""},
	{"\xeb\x9f", 0, "BTF without an ELF file around it", ""},
	{"MZ", 0, "a Windows program", ""},
	{"\xcf\xfa\xed\xfe", 0, "a Mach-O file", ""},
	{"\xca\xfe\xba\xbe", 0, "a Mach-O file", ""},
	{"#!", 0, "a script", ""},
	{"//", 0, "source text", compile},
	{"/*", 0, "source text", compile},
	{"#include", 0, "source text", compile},
}

// identify says what the input is when it is not ELF, and refuses what is too short for a header.
func identify(b []byte) error {
	if len(b) == 0 {
		return notObject("an empty file", "")
	}
	if bytes.HasPrefix(b, []byte("\x7fELF")) {
		if len(b) < headerSize {
			return Errorf("ELF header", uint64(len(b)), "file ends within the header of 64 bytes")
		}
		return nil
	}
	if what, next := Describe(b); what != "" {
		return notObject(what, next)
	}
	if len(b) < 4 && bytes.HasPrefix([]byte("\x7fELF"), b) {
		return Errorf("ELF header", uint64(len(b)), "file ends within the header of 64 bytes")
	}
	if isText(b[:min(len(b), identifySize)]) {
		return notObject("a text", "if it is source, compile it first, with clang --target=bpf")
	}
	return notObject("not an ELF file", "")
}

// Describe says what bytes are that are no ELF file, by how they begin, and what to do about it;
// both are empty when it is not known.
func Describe(b []byte) (what, next string) {
	for _, m := range magics {
		if len(b) >= m.at && bytes.HasPrefix(b[m.at:], []byte(m.prefix)) {
			return m.what, m.next
		}
	}
	if len(bytes.Trim(b[:min(len(b), headerSize)], "\x00")) == 0 {
		return "nothing but zeroes", ""
	}
	return "", ""
}

// identifySize is how many bytes from the start are enough to say what a file is.
const identifySize = 512

// isText reports whether every byte is one that occurs in text.
func isText(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1b", r) || r == 0x7f })
}

// notObject says what the input is, and what to do about it.
func notObject(what, next string) error {
	err := fmt.Errorf("this is %s: %w", what, ErrNotObject)
	if next != "" {
		err = fmt.Errorf("%w; %s", err, next)
	}
	return err
}

// machines are the processors whose files are likely to be passed by mistake (e_machine).
var machines = map[uint16]string{
	3: "x86", 8: "MIPS", 20: "PowerPC", 21: "64-bit PowerPC", 22: "s390", 40: "ARM", 43: "SPARC",
	62: "x86-64", 183: "ARM64", 224: "AMD GPU", 190: "CUDA", 243: "RISC-V", 258: "LoongArch",
}

// machineSBPF is the Solana virtual machine, whose instructions look like eBPF and are not.
const machineSBPF = 263

// checkMachine refuses ELF files that are made for something else. Old compilers left the machine
// number at zero.
func checkMachine(h header) error {
	if h.machine == machineSBPF {
		return notObject("an ELF file for Solana's sBPF", "Linux does not run its instructions")
	}
	if h.machine != machineBPF && h.machine != 0 {
		if name, ok := machines[h.machine]; ok {
			return notObject("an ELF file for "+name, "compile with clang --target=bpf")
		}
		return notObject(fmt.Sprintf("an ELF file for machine %d", h.machine), "compile with clang --target=bpf")
	}
	if h.typ != typeRelocatable {
		return notObject(fmt.Sprintf("an ELF file of type %d, not a relocatable one (1)", h.typ), "take it before it is linked to a program or a library")
	}
	return nil
}
