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
	a := assembly{r: r, p: r.Program, end: int(at + del), text: text, check: x.expired}
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

// The bounds of the text of one call and of each of its lines, in bytes.
const (
	maxAsmText = 4 << 20
	maxAsmLine = 16 << 10
)

// asmBytes is what assembling a byte of text holds for a moment, in bytes.
const asmBytes = 48

// assembly is the text of one call. It may jump to labels of the program around it, and to its own
// end: the instruction that comes after it. Both become instructions that are put after the text
// for the time of parsing, so that the parser finds a place for every label.
type assembly struct {
	r    tx.ProgramRef
	p    *spec.Program // that of r
	end  int           // index of the instruction after the text
	text string

	check func() error // ends what takes too long

	listing asm.Listing
	outside []asm.Label // labels of the program that the text uses; each has a stub after the text
	n       int         // instructions of the text itself

	out   []spec.Insn
	names map[asm.Label]string // names that come with the text
	after asm.Label            // label of the instruction after the text, if that has to get one
}

// jumpTarget finds what a text may jump to, labelMark what it defines.
var (
	jumpTarget = regexp.MustCompile(`\b(?:may_)?gotol?[ \t]+("(?:[^"\\]|\\.)*"|[A-Za-z_.$][\w.$]*)`)
	labelMark  = regexp.MustCompile(`^[ \t]*("(?:[^"\\]|\\.)*"|[A-Za-z_.$][\w.$]*):`)
)

// stub is in place of the code around the text.
const stub = "\texit\n"

// parse reads the text with its stubs.
func (a *assembly) parse() error {
	defined, targets, err := a.scan()
	if err != nil {
		return err
	}
	wanted := make(map[string]bool)
	for _, name := range targets {
		if !defined[name] {
			wanted[name] = true
		}
	}
	places, err := a.places(wanted)
	if err != nil {
		return err
	}
	var apart, together strings.Builder
	apart.WriteString(a.text + "\n" + stub)
	together.WriteString(a.text + "\n")
	for _, name := range targets {
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
	if _, err := asm.ParseChecked(together.String(), a.check); err != nil {
		return parseError(err)
	}
	listing, err := asm.ParseChecked(apart.String(), a.check)
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

// scan finds the labels that the text defines, and the names that it jumps to, in order.
func (a *assembly) scan() (defined map[string]bool, targets []string, err error) {
	defined = make(map[string]bool)
	left := 0 // bytes until the next check
	for line := range strings.Lines(a.text) {
		if len(line) > maxAsmLine {
			return nil, nil, budget.TooLarge("line of assembly text", len(line), maxAsmLine, "")
		}
		if left -= len(line); left < 0 {
			left = maxAsmLine
			if err := a.check(); err != nil {
				return nil, nil, err
			}
		}
		if m := labelMark.FindStringSubmatch(line); m != nil {
			defined[m[1]] = true
		}
		for _, m := range jumpTarget.FindAllStringSubmatch(line, -1) {
			targets = append(targets, m[1])
		}
	}
	return defined, targets, nil
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

// places finds labels of the program by their names as insn_dump writes them.
func (a *assembly) places(names map[string]bool) (map[string]asm.Label, error) {
	wanted := make(map[asm.Label][]string)
	for name := range names {
		for _, l := range a.r.LabelsNamed(name) {
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
		for i, in := range a.p.Insns.All() {
			if i%perCheck == 0 {
				if err := a.check(); err != nil {
					return nil, err
				}
			}
			add(in.Label)
		}
		return out, nil
	}
	for _, l := range slices.Sorted(maps.Keys(wanted)) {
		if a.p.FindLabel(l) >= 0 {
			add(l)
		}
	}
	return out, nil
}

// link renumbers the text's own labels and resolves the others to labels of the program.
func (a *assembly) link() error {
	next := a.r.FreeLabels(a.n + 1)
	to := make(map[asm.Label]asm.Label)
	for i := range a.n {
		if i%perCheck == 0 {
			if err := a.check(); err != nil {
				return err
			}
		}
		if l := a.listing.Insns[i].Label; l != 0 {
			to[l] = next
			if name := a.listing.LabelNames[l]; name != "" && len(a.r.LabelsNamed(name)) == 0 {
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
