package plan

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// TextOptions say how a plan is written. The zero value writes all of it.
type TextOptions struct {
	NoInsns bool // leave the instructions out
}

// Summary counts what a plan does. Attachments are not among what is created.
type Summary struct {
	Create int `json:"create"` // maps and programs that are as the object has them, or new
	Patch  int `json:"patch"`  // maps, programs and variables that the plugin changed
	Attach int `json:"attach"`
	Remove int `json:"remove"` // maps, programs and objects that the plugin left out
}

// WriteText writes the plan for people. Nothing in it can command a terminal.
func (p *Plan) WriteText(w io.Writer, o TextOptions) error {
	t := planText{plan: p}
	t.header()
	for i := range p.Objects {
		t.collection(&p.Objects[i])
	}
	if !o.NoInsns {
		for i := range p.Objects {
			t.instructions(&p.Objects[i])
		}
	}
	t.notes()
	t.diagnostics()
	t.evaluated()
	if e, ok := p.Refused().(*RefusedError); ok {
		t.line("Kernels refuse it: %d error%s above.", e.More+1, plural(e.More+1))
	}
	t.verified()
	s := t.summary
	t.line("Plan: %d to create, %d to patch, %d to attach%s. Nothing is loaded yet.", s.Create, s.Patch, s.Attach, removed(s.Remove))
	if _, err := w.Write(t.b.Bytes()); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func removed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d left out", n)
}

// Summary counts what the plan does.
func (p *Plan) Summary() Summary {
	t := planText{plan: p}
	for i := range p.Objects {
		t.collection(&p.Objects[i])
	}
	return t.summary
}

// planText writes a plan.
type planText struct {
	plan    *Plan
	b       bytes.Buffer
	summary Summary
}

// line writes one line of text, whatever is in it.
func (t *planText) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(quote.Text(fmt.Sprintf(format, args...)), " "))
	t.b.WriteByte('\n')
}

func (t *planText) header() {
	i := t.plan.Plugin
	name := i.Name
	if i.Version != "" {
		name += " " + i.Version
	}
	t.line("%s  abi %d.%d  sha256 %s  (policy: %s)", name, i.ABIMajor, i.ABIMinor, i.SHA256[:min(12, len(i.SHA256))], t.plan.Policy)
	for _, key := range i.Signers {
		t.line("signed by %s", key)
	}
}

// row is one object of the plan: mark, kind, name and details.
type row struct {
	mark  byte // '+' is created, '~' created and patched, '-' left out, ' ' not loaded
	cells []string
}

// collection writes the table of one collection and counts.
func (t *planText) collection(c *Object) {
	t.b.WriteByte('\n')
	from := "built by " + t.plan.Plugin.Name
	if c.Source != "" {
		from = "from " + c.Source
	}
	if c.After == nil {
		t.line("- object %s, %s, left out", c.Name, from)
		t.summary.Remove++
		return
	}
	license := c.After.License
	if license == "" {
		license = "none"
	}
	t.line("object %s, %s, license %s", c.Name, from, license)
	for _, n := range c.After.Notes {
		t.line("  note %s: %s", n.Code, n.Text)
	}
	for _, e := range c.Unfit {
		t.line("  not loaded, and could not be: %v", e)
	}
	l := newLookup(c)
	rows := slices.Concat(t.maps(l), t.vars(l), t.programs(l), t.links(l), t.gone(c))
	widths := columns(rows)
	for _, r := range rows {
		t.count(r)
		line := "  " + string(r.mark)
		for i, cell := range r.cells {
			line += " " + pad(cell, widths[i]) + " "
		}
		t.line("%s", line)
	}
	t.core(c)
}

// core writes what CO-RE relocations come to, each once for a program.
func (t *planText) core(c *Object) {
	var lines []string
	times := map[string]int{}
	for _, f := range c.Core {
		line := fmt.Sprintf("CO-RE of program %s: %s: %s", f.Program, f.Text(), f.Outcome())
		if times[line]++; times[line] == 1 {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		if n := times[line]; n > 1 {
			line += fmt.Sprintf(" (%d times)", n)
		}
		t.line("  %s", line)
	}
}

func (t *planText) count(r row) {
	switch {
	case r.cells[0] == "link" && r.mark != '-':
		t.summary.Attach++
	case r.mark == '+':
		t.summary.Create++
	case r.mark == '~':
		t.summary.Patch++
	case r.mark == '-':
		t.summary.Remove++
	}
}

// columns are the widths of the columns; the last cell of a row is not padded.
func columns(rows []row) []int {
	var widths []int
	for _, r := range rows {
		for i, cell := range r.cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if i < len(r.cells)-1 {
				widths[i] = max(widths[i], len([]rune(quote.Text(cell))))
			}
		}
	}
	return widths
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-len([]rune(quote.Text(s)))))
}

// mark is '~' for what the plugin changed in an object of the operator.
func mark(ch *spec.Change) byte {
	if ch != nil && ch.Op == spec.ChangeModify {
		return '~'
	}
	return '+'
}

// props shows changed properties, "old -> new".
func props(ch *spec.Change) string {
	if ch == nil || ch.Op != spec.ChangeModify {
		return ""
	}
	var parts []string
	for _, p := range ch.Props {
		parts = append(parts, p.Name+" "+orNone(p.Old)+" -> "+orNone(p.New))
	}
	return strings.Join(parts, ", ")
}

// joined puts a comma between two texts unless one is empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (t *planText) maps(c *lookup) []row {
	var rows []row
	for _, m := range c.After.Maps {
		ch := c.change(spec.ObjectMap, m.Name)
		size := fmt.Sprintf("key %d value %d max %d", m.KeySize, m.ValueSize, m.MaxEntries)
		if m.Type == spec.MapRingbuf {
			size = fmt.Sprintf("max %d", m.MaxEntries)
		}
		rows = append(rows, row{mark(ch), []string{"map", m.Name, m.Type.String(), size, memoryText(m), joined(props(ch), c.pinText(m.Name))}})
	}
	return rows
}

// memoryText is what a map takes when it is full, in a form that does not depend on the machine.
func memoryText(m *spec.Map) string {
	fixed, perCPU := m.MemoryByCPU()
	if perCPU > 0 {
		return sizeText(fixed) + " + " + sizeText(perCPU) + " per CPU"
	}
	return sizeText(fixed)
}

func sizeText(n uint64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

func (t *planText) vars(c *lookup) []row {
	var rows []row
	for _, v := range c.After.Vars {
		if ch := c.change(spec.ObjectVar, v.Name); ch != nil {
			rows = append(rows, row{mark(ch), []string{"var", v.Name, v.Section, props(ch)}})
		}
	}
	return rows
}

func (t *planText) programs(c *lookup) []row {
	var rows []row
	loaded := make(map[*spec.Program]bool)
	for _, p := range c.After.Select(c.After.Attached()).Programs {
		loaded[p] = true
	}
	for _, p := range c.After.Programs {
		ch := c.change(spec.ObjectProgram, p.Name)
		insns := fmt.Sprintf("%d insns", p.Insns.Len())
		by := ""
		if mark(ch) == '~' {
			by = "patched by " + t.plan.Plugin.Name
			if old := c.before.Program(p.Name); old.Insns.Len() != p.Insns.Len() {
				insns = fmt.Sprintf("%d -> %d insns", old.Insns.Len(), p.Insns.Len())
			}
			if s := props(ch); s != "" {
				by += ", " + s
			}
		}
		if !loaded[p] {
			by = joined(by, idleText(p))
		}
		m := mark(ch)
		if !loaded[p] && m == '+' {
			m = ' '
		}
		rows = append(rows, row{m, []string{"prog", p.Name, p.Type.String(), strings.TrimSpace(p.AttachTo + " " + insns), by}})
	}
	return rows
}

// idleText says why a program is not loaded.
func idleText(p *spec.Program) string {
	if p.Type == spec.ProgramStructOps {
		return "not loaded: it is in no instance that is made"
	}
	return "not loaded: nothing attaches it"
}

func (t *planText) links(c *lookup) []row {
	var rows []row
	for _, a := range c.After.Attach {
		a := resolved(c.after, a)
		more := ""
		if d := direction(c.after, a); d != "" {
			more += " " + d
		}
		if a.Flags != 0 {
			more += fmt.Sprintf(" flags %#x", a.Flags)
		}
		if a.Cookie != 0 {
			more += fmt.Sprintf(" cookie %#x", a.Cookie)
		}
		if a.Optional {
			more += " optional"
		}
		rows = append(rows, row{'+', []string{"link", a.Program, AttachText(a) + more}})
	}
	return rows
}

// gone are the things of the operator's object that the plugin left out.
func (t *planText) gone(c *Object) []row {
	var rows []row
	for _, ch := range c.Changes {
		if ch.Op != spec.ChangeRemove {
			continue
		}
		kind := map[spec.ObjectKind]string{spec.ObjectMap: "map", spec.ObjectProgram: "prog", spec.ObjectVar: "var", spec.ObjectAttach: "link"}[ch.Kind]
		if kind == "" {
			kind = ch.Kind.String()
		}
		rows = append(rows, row{'-', []string{kind, ch.Name, "left out"}})
	}
	return rows
}

// notes writes the plugin's remarks, each after its name so that none can pass for the host's.
func (t *planText) notes() {
	if len(t.plan.Notes) == 0 {
		return
	}
	t.b.WriteByte('\n')
	for _, n := range t.plan.Notes {
		about := ""
		if n.About != "" {
			about = n.About + ": "
		}
		t.line("note by %s (%s): %s%s", t.plan.Plugin.Name, n.severity(), about, n.Text)
	}
}

// evaluated writes what the plan needs and by which rules of which policy it was evaluated.
func (t *planText) evaluated() {
	t.b.WriteByte('\n')
	t.line("Needs: %s.", requirementLine(t.plan.Requirements))
	if o := t.plan.Requirements.Optional; len(o) > 0 {
		t.line("Used where the kernel has it: %s.", featuresText(o))
	}
	t.line("At run time the plugin may %s.", t.plan.Runtime())
	t.reaches()
	if t.plan.Denied() == nil {
		t.line("Policy: %s allows it:", t.plan.Policy)
	} else {
		t.line("Policy: %s denies it:", t.plan.Policy)
	}
	var rows []row
	for _, g := range t.rules() {
		rows = append(rows, row{' ', []string{g.decision, g.rule, strings.Join(g.accesses, ", ")}})
	}
	widths := columns(rows)
	for _, r := range rows {
		line := "  "
		for i, cell := range r.cells {
			line += pad(cell, widths[i]) + "  "
		}
		t.line("%s", line)
	}
	for _, n := range t.plan.PolicyNotes {
		t.line("  note: %s", n)
	}
	t.b.WriteByte('\n')
}

// reaches writes what of the plan sees beyond what is the plugin's own, whatever the policy says to it.
func (t *planText) reaches() {
	for _, reach := range policy.Reaches() {
		var list []string
		for _, d := range t.plan.Decisions {
			if d.Reach == reach {
				list = append(list, d.Subject())
			}
		}
		if len(list) > 0 {
			t.line("It %s: %s.", reach.Text(), strings.Join(list, ", "))
		}
	}
}

// ruleText is one rule and what was evaluated by it.
type ruleText struct {
	decision, rule string
	accesses       []string
}

// rules groups the decisions by rule: denials first, then in the order of evaluation. Numbers
// within their limits are left out, since they depend on the machine.
func (t *planText) rules() []ruleText {
	var denied, allowed []ruleText
	at := make(map[string]int) // by rule: index in allowed
	for _, v := range t.plan.Decisions {
		if v.Allowed && v.Kind >= policy.KindPrograms {
			continue
		}
		rule := v.Rule
		if v.Line > 0 {
			rule = fmt.Sprintf("line %d: %s", v.Line, v.Rule)
		}
		if !v.Allowed {
			access := v.Access
			if v.Reason != "" {
				access += ": " + v.Reason
			}
			denied = append(denied, ruleText{"denied", rule, []string{access}})
			continue
		}
		i, ok := at[rule]
		if !ok {
			i = len(allowed)
			at[rule] = i
			allowed = append(allowed, ruleText{"allowed", rule, nil})
		}
		allowed[i].accesses = append(allowed[i].accesses, v.Subject())
	}
	return append(denied, allowed...)
}
