package guest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

// InsnAsm replaces instructions by those of assembly text.
func (x insnCalls) InsnAsm(prog, at, del uint32, text []byte) int32 {
	n := 0
	err := x.during(len(text)*asmBytes, func() (err error) {
		n, err = x.insnAsm(prog, at, del, string(text))
		return err
	})
	return x.reply(abi.FuncInsnAsm, n, err)
}

func (x insnCalls) insnAsm(prog, at, del uint32, text string) (int, error) {
	r, err := x.program(prog)
	if err != nil {
		return 0, err
	}
	if err := r.CheckSplice(uint64(at), uint64(del), 0); err != nil {
		return 0, err
	}
	if len(text) > maxAsmText {
		return 0, budget.TooLarge("assembly text", len(text), maxAsmText, "insert longer code in parts, or with insn_splice")
	}
	a := assembly{p: r.Program, end: int(at + del), text: text}
	if err := a.parse(); err != nil {
		return 0, err
	}
	if err := r.CheckSplice(uint64(at), uint64(del), uint64(a.n)); err != nil {
		return 0, err
	}
	if err := a.link(); err != nil {
		return 0, err
	}
	return len(a.out), x.splice(r, tx.Splice{At: int(at), Del: int(del), Insns: a.out, Names: a.names, After: a.after})
}

// maxAsmText bounds the text of one call, in bytes: no deadline reaches into the parser.
const maxAsmText = 4 << 20

// asmBytes is what assembling a byte of text holds for a moment, in bytes.
const asmBytes = 48

// assembly is the text of one call. It may jump to labels of the program around it, and to its own
// end: the instruction that comes after it. Both become instructions that are put after the text
// for the time of parsing, so that the parser finds a place for every label.
type assembly struct {
	p    *spec.Program
	end  int // index of the instruction after the text
	text string

	listing asm.Listing
	outside []asm.Label // labels of the program that the text uses; each has a stub after the text
	n       int         // instructions of the text itself

	out   []spec.Insn
	taken map[string]bool      // names that labels of the program have
	names map[asm.Label]string // names that come with the text
	after asm.Label            // label of the instruction after the text, if that has to get one
}

// jumpTarget finds what a text may jump to, labelMark what it defines.
var (
	jumpTarget = regexp.MustCompile(`\b(?:may_)?gotol?[ \t]+("(?:[^"\\]|\\.)*"|[A-Za-z_.$][\w.$]*)`)
	labelMark  = regexp.MustCompile(`(?m)^[ \t]*("(?:[^"\\]|\\.)*"|[A-Za-z_.$][\w.$]*):`)
)

// stub is in place of the code around the text.
const stub = "\texit\n"

// parse reads the text with its stubs.
func (a *assembly) parse() error {
	defined := make(map[string]bool)
	for _, m := range labelMark.FindAllStringSubmatch(a.text, -1) {
		defined[m[1]] = true
	}
	targets := jumpTarget.FindAllStringSubmatch(a.text, -1)
	wanted := make(map[string]bool)
	for _, m := range targets {
		if !defined[m[1]] {
			wanted[m[1]] = true
		}
	}
	places := a.places(wanted)
	var apart, together strings.Builder
	apart.WriteString(a.text + "\n" + stub)
	together.WriteString(a.text + "\n")
	for _, m := range targets {
		name := m[1]
		l, ok := places[name]
		if !ok || defined[name] {
			continue
		}
		defined[name] = true
		a.outside = append(a.outside, l)
		fmt.Fprintf(&apart, "%s:\n%s", name, stub)
		fmt.Fprintf(&together, "%s:\n", name)
	}
	together.WriteString(stub)
	// With all stubs in one, a displacement such as goto +9 that leaves the text is an error.
	if _, err := asm.Parse(together.String()); err != nil {
		return parseError(err)
	}
	listing, err := asm.Parse(apart.String())
	if err != nil {
		return parseError(err)
	}
	a.listing = listing
	a.n = len(listing.Insns) - 1 - len(a.outside)
	if _, open := listing.Funcs[a.n]; open {
		return failf(abi.ErrInval, "the text ends with a .func that has no instruction")
	}
	return nil
}

func parseError(err error) error {
	var at *asm.ParseError
	if errors.As(err, &at) {
		return failf(abi.ErrInval, "%s", at.Error())
	}
	return err
}

// fewLabels are looked for one by one.
const fewLabels = 8

// places finds labels of the program by their names as insn_dump writes them, and notes all names
// that labels have.
func (a *assembly) places(names map[string]bool) map[string]asm.Label {
	wanted := make(map[asm.Label][]string)
	a.taken = make(map[string]bool, len(a.p.LabelNames))
	for l, name := range a.p.LabelNames {
		a.taken[name] = true
		if names[name] {
			wanted[l] = append(wanted[l], name)
		}
	}
	for name := range names {
		if n, err := strconv.ParseUint(strings.TrimPrefix(name, "L"), 10, 32); err == nil && n > 0 && name == fmt.Sprintf("L%d", n) {
			wanted[asm.Label(n)] = append(wanted[asm.Label(n)], name)
		}
	}
	out := make(map[string]asm.Label)
	add := func(l asm.Label) {
		for _, name := range wanted[l] {
			if have, ok := out[name]; !ok || a.p.LabelNames[l] == name && a.p.LabelNames[have] != name {
				out[name] = l // a name takes precedence over a number
			}
		}
	}
	if len(wanted) > fewLabels {
		for _, in := range a.p.Insns.All() {
			add(in.Label)
		}
		return out
	}
	for _, l := range slices.Sorted(maps.Keys(wanted)) {
		if a.p.FindLabel(l) >= 0 {
			add(l)
		}
	}
	return out
}

// link renumbers the text's own labels and resolves the others to labels of the program.
func (a *assembly) link() error {
	next := a.p.NewLabel()
	to := make(map[asm.Label]asm.Label)
	for i := range a.n {
		if l := a.listing.Insns[i].Label; l != 0 {
			to[l] = next
			if name := a.listing.LabelNames[l]; name != "" && !a.taken[name] {
				a.name(next, name)
			}
			next++
		}
	}
	if l := a.listing.Insns[a.n].Label; l != 0 {
		if a.end >= a.p.Insns.Len() {
			return failf(abi.ErrRange, "the text jumps to its end, and no instruction comes after it")
		}
		to[l] = a.p.Insns.At(a.end).Label
		if to[l] == 0 {
			to[l], a.after = next, next
		}
	}
	for i, l := range a.outside {
		to[a.listing.Insns[a.n+1+i].Label] = l
	}
	a.out = make([]spec.Insn, a.n)
	for i := range a.out {
		in := a.listing.Insns[i]
		in.Label = to[in.Label]
		if in.Ref == asm.RefLabel {
			in.Target = to[in.Target]
		}
		a.out[i].Insn = in
		if name, ok := a.listing.Funcs[i]; ok {
			a.out[i].Func = &btf.FuncInfo{Name: strings.Clone(name)}
		}
	}
	return nil
}

func (a *assembly) name(l asm.Label, name string) {
	if a.names == nil {
		a.names = make(map[asm.Label]string)
	}
	a.names[l] = name
}
