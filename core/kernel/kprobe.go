package kernel

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Unprobeable returns in words why the kernel refuses a kprobe at an offset from a symbol,
// "MODULE:SYMBOL" or "SYMBOL": it is data, or is among those that must not be probed
// (kprobes/blacklist of debugfs). It is empty where neither is known.
func (k *Kernel) Unprobeable(symbol string, offset uint64) string {
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return ""
	}
	forbidden, err := sys.Debugfs.ReadFile("kprobes/blacklist")
	if err != nil { // without debugfs, or locked down: then only data is known
		forbidden = nil
	}
	return unprobeable(symbols, forbidden, symbol, offset)
}

// unprobeable judges a symbol by the texts of both files. The first code of the name counts.
func unprobeable(symbols, forbidden []byte, symbol string, offset uint64) string {
	found, code := lookUp(symbols, symbol)
	for _, s := range found {
		switch {
		case !strings.Contains("tTwW", s.kind) || s.module == "" && !code.holds(s.addr):
		case isForbidden(forbidden, s.name, s.addr, offset):
			return "the kernel lets nobody probe it there: it is in kprobes/blacklist of debugfs"
		default:
			return ""
		}
	}
	if found == nil {
		return ""
	}
	return "it is data, not a function"
}

// Outside says why an offset cannot be used to probe a function, "MODULE:FUNCTION" or "FUNCTION": it
// is past the function's end, where another one begins, or that cannot be told because the kernel
// shows no addresses. The kernel itself adds the offset and probes whatever is there (_kprobe_addr of
// kernel/kprobes.c). It is empty for an offset within the function, and for one that is not found.
func (k *Kernel) Outside(function string, offset uint64) (string, error) {
	if offset == 0 {
		return "", nil
	}
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return "", err
	}
	return outside(symbols, function, offset), nil
}

// outside judges an offset by the text of /proc/kallsyms. A function ends where the next symbol is.
func outside(symbols []byte, function string, offset uint64) string {
	found, _ := lookUp(symbols, function)
	for _, s := range found {
		if s.addr == 0 {
			return "the kernel shows no addresses (kernel.kptr_restrict), so it cannot be told whether the offset is within the function"
		}
		if next := nextSymbol(symbols, s.addr); offset >= next-s.addr {
			return fmt.Sprintf("the function has %#x bytes, and offset %#x is in another one", next-s.addr, offset)
		}
	}
	return ""
}

// nextSymbol returns the lowest address of a symbol above one; the highest there is after the last.
func nextSymbol(symbols []byte, above uint64) uint64 {
	next := uint64(math.MaxUint64)
	for line := range bytes.Lines(symbols) {
		field, _, _ := bytes.Cut(line, []byte(" "))
		if addr, err := strconv.ParseUint(string(field), 16, 64); err == nil && addr > above {
			next = min(next, addr)
		}
	}
	return next
}

// kallsym is a line of /proc/kallsyms: "ffffffff81000000 T _stext\t[module]".
type kallsym struct {
	addr               uint64
	kind, name, module string
}

// lookUp returns the symbols of a name, "MODULE:SYMBOL" or "SYMBOL", and where the kernel's code is.
func lookUp(symbols []byte, symbol string) (found []kallsym, code codeMarks) {
	module, name, ok := strings.Cut(symbol, ":")
	if !ok {
		module, name = "", symbol
	}
	code = make(codeMarks)
	field := []byte(" " + name)
	for line := range bytes.Lines(symbols) {
		if !bytes.Contains(line, field) && !bytes.Contains(line, []byte("text\n")) {
			continue
		}
		f := strings.Fields(string(line))
		if len(f) < 3 {
			continue
		}
		addr, err := strconv.ParseUint(f[0], 16, 64)
		if err != nil {
			continue
		}
		s := kallsym{addr, f[1], f[2], strings.Trim(strings.Join(f[3:], ""), "[]")}
		if s.module == "" {
			code[s.name] = addr
		}
		if s.name == name && (module == "" || s.module == module) {
			found = append(found, s)
		}
	}
	return found, code
}

// codeMarks are the addresses of symbols around the kernel's code (include/asm-generic/sections.h).
// What kallsyms says of data is not enough: some links of the kernel have it say code.
type codeMarks map[string]uint64

// holds reports whether an address is in the kernel's code, or nothing is known of it.
func (c codeMarks) holds(addr uint64) bool {
	return addr == 0 || c["_etext"] == 0 || c["_stext"] <= addr && addr < c["_etext"] ||
		c["_sinittext"] <= addr && addr < c["_einittext"]
}

// isForbidden looks for code in the list of ranges of code that must not be probed, in lines of
// "0xffffffff81000000-0xffffffff81000020\tname". Where addresses are hidden, the name decides.
func isForbidden(list []byte, name string, addr, offset uint64) bool {
	for line := range bytes.Lines(list) {
		f := strings.Fields(string(line))
		if len(f) < 2 {
			continue
		}
		first, last, _ := strings.Cut(f[0], "-")
		from, err := strconv.ParseUint(first, 0, 64)
		if err != nil {
			continue
		}
		to, err := strconv.ParseUint(last, 0, 64)
		if err != nil {
			continue
		}
		if addr == 0 || from == 0 {
			if f[1] == name {
				return true
			}
		} else if at := addr + offset; from <= at && at < to {
			return true
		}
	}
	return false
}
