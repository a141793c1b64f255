package main

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/report"
)

func (d *objectDoc) named(file string) { d.File = file }

// table shows the object to people.
func (d *objectDoc) table(t *table, file string) {
	license := "no license"
	if d.License != "" {
		license = "license " + strconv.Quote(d.License)
	}
	t.text("%s: eBPF object, %s endian, %s, %s bytes", file, d.ByteOrder, license, thousands(d.Sizes.File))
	t.text("%s", d.Sizes)
	t.text("%s", requirementLine(d.Requirements))
	d.programTable(t)
	d.mapTable(t)
	var rows [][]string
	for _, v := range d.Variables {
		rows = append(rows, []string{v.Name, v.Section, number(v.Offset), number(v.Size), v.Type})
	}
	t.block([]string{"VARIABLE", "SECTION", "OFFSET", "SIZE", "TYPE"}, rows)
	rows = nil
	for _, e := range d.Externs {
		rows = append(rows, []string{e.Name, e.Kind, yesOrNo(e.Weak), e.Type})
	}
	t.block([]string{"EXTERN", "KIND", "WEAK", "TYPE"}, rows)
	d.refTables(t)
	rows = nil
	for _, n := range d.Requirements.Causes {
		rows = append(rows, []string{n.What, n.Since, someOf(n.Users)})
	}
	t.block([]string{"NEEDS", "LINUX", "USED BY"}, rows)
	rows = nil
	for _, n := range d.Requirements.Optional {
		rows = append(rows, []string{n.What, n.Since, someOf(n.Users)})
	}
	t.block([]string{"OPTIONAL", "LINUX", "USED BY"}, rows)
	rows = nil
	for _, n := range d.Notes {
		rows = append(rows, []string{n.Code, n.Text})
	}
	t.block([]string{"NOTE", "TEXT"}, rows)
	rows = nil
	for _, e := range d.Errors {
		rows = append(rows, []string{strings.TrimSpace(e.Object + " " + e.Name), instruction(e.Insn) + e.Text})
	}
	t.block([]string{"ERROR IN", "TEXT"}, rows)
	rows = nil
	for _, x := range d.Diagnostics {
		place := ""
		if x.Line > 0 {
			place = plan.BaseName(x.File) + ":" + strconv.Itoa(x.Line)
		}
		rows = append(rows, []string{x.Object + " " + x.Name, x.Severity, place, instruction(x.Insn) + x.Text})
	}
	t.block([]string{"DIAGNOSTIC OF", "SEVERITY", "SOURCE", "TEXT"}, rows)
}

// instruction begins a text about an instruction; -1 is none.
func instruction(i int) string {
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("instruction %d: ", i)
}

func (d *objectDoc) programTable(t *table) {
	var rows [][]string
	for _, p := range d.Programs {
		attach := p.AttachType
		if p.AttachTo != "" {
			attach = strings.TrimSpace(attach + " " + p.AttachTo)
		}
		flags := bitNames(p.Flags, programFlags)
		if p.Optional {
			flags = strings.TrimPrefix(flags+",optional", ",")
		}
		funcs := "?"
		if n := len(p.Functions); n > 0 {
			funcs = strconv.Itoa(n)
		}
		rows = append(rows, []string{p.Name, p.Section, p.Type, attach, strconv.Itoa(p.Insns), funcs, p.Stack.String(), flags})
	}
	t.block([]string{"PROGRAM", "SECTION", "TYPE", "ATTACH", "INSNS", "FUNCS", "STACK", "FLAGS"}, rows)
}

func (d *objectDoc) mapTable(t *table) {
	var rows [][]string
	for i := range d.Maps {
		m := &d.Maps[i]
		rows = append(rows, m.row(m.Name))
		if m.Inner != nil {
			rows = append(rows, m.Inner.row("  of "+m.Inner.Name))
		}
	}
	t.block([]string{"MAP", "SECTION", "TYPE", "KEY", "VALUE", "MAX", "MEMORY", "FLAGS", "PINNING"}, rows)
}

// row is one line of the table of maps.
func (m *mapDoc) row(name string) []string {
	memory := thousands(m.Memory)
	if m.CPUMemory > 0 {
		memory += " + " + thousands(m.CPUMemory) + " × CPUs"
	}
	flags := bitNames(m.Flags, mapFlags)
	if m.Optional {
		flags = strings.TrimPrefix(flags+",optional", ",")
	}
	value := m.Value
	if value == m.Section { // the type of a data section has its name
		value = ""
	}
	return []string{name, m.Section, m.Type, sized(m.KeySize, m.Key), sized(m.ValueSize, value), number(m.MaxEntries),
		memory, flags, m.Pinning}
}

// refTables shows what refers to what, and the CO-RE records.
func (d *objectDoc) refTables(t *table) {
	var rows [][]string
	for _, r := range d.Refs {
		rows = append(rows, []string{r.From + " " + r.Name, strings.ReplaceAll(r.Kind, "_", " ") + " " + r.To, strconv.Itoa(r.Count)})
	}
	t.block([]string{"FROM", "REFERS TO", "TIMES"}, rows)
	rows = nil
	for _, r := range d.Core {
		row := []string{r.Kind, r.Type, r.Path, "program " + r.Program, strconv.Itoa(r.Count)}
		if r.Outcome != "" {
			row = append(row, r.Outcome)
		}
		rows = append(rows, row)
	}
	head := []string{"CO-RE", "TYPE", "PATH", "FROM", "TIMES"}
	if len(rows) > 0 && len(rows[0]) > len(head) {
		head = append(head, "COMES TO")
	}
	t.block(head, rows)
}

// String is one line: "132 instructions of 1,080 bytes, BTF of 3,120 bytes, maps of 66,152 bytes
// and 48 for each CPU".
func (s sizesDoc) String() string {
	text := fmt.Sprintf("%s instructions of %s bytes, ", thousands(s.Insns), thousands(s.Code))
	if s.BTF == 0 {
		text += "no BTF, "
	} else {
		text += fmt.Sprintf("BTF of %s bytes, ", thousands(s.BTF))
	}
	if s.Memory == 0 && s.MemoryPerCPU == 0 {
		return text + "no maps"
	}
	text += fmt.Sprintf("maps of %s bytes", thousands(s.Memory))
	if s.MemoryPerCPU > 0 {
		text += fmt.Sprintf(" and %s for each CPU", thousands(s.MemoryPerCPU))
	}
	return text
}

// requirementLine returns "needs Linux 6.9, CAP_BPF + CAP_NET_ADMIN, kernel BTF: no".
func requirementLine(n report.Requirements) string {
	text := "needs Linux " + n.Kernel
	if len(n.Capabilities) > 0 {
		text += ", " + strings.Join(n.Capabilities, " + ")
	}
	return text + ", kernel BTF: " + yesOrNo(n.BTF)
}

// String is the number of bytes, and whether that is certain.
func (s *stackDoc) String() string {
	switch {
	case s == nil:
		return "?"
	case s.Recursive:
		return "recursive"
	case !s.Exact:
		return "≥" + strconv.Itoa(s.Bytes)
	}
	return strconv.Itoa(s.Bytes)
}

// The flags by number of their bit, as the kernel calls them (include/uapi/linux/bpf.h, BPF_F_…).
var (
	programFlags = []string{
		"strict_alignment", "any_alignment", "test_rnd_hi32", "test_state_freq", "sleepable", "xdp_has_frags",
		"xdp_dev_bound_only", "test_reg_invariants",
	}
	mapFlags = []string{
		"no_prealloc", "no_common_lru", "numa_node", "rdonly", "wronly", "stack_build_id", "zero_seed", "rdonly_prog",
		"wronly_prog", "clone", "mmapable", "preserve_elems", "inner_map", "link", "path_fd", "vtype_btf_obj_fd", "token_fd",
		"segv_on_fault", "no_user_conv", "rb_overwrite",
	}
)

// bitNames names the bits that are set; those without a name are a hexadecimal number.
func bitNames(flags uint32, names []string) string {
	var list []string
	for rest := flags; rest != 0; rest &= rest - 1 {
		if bit := bits.TrailingZeros32(rest); bit < len(names) {
			list = append(list, names[bit])
			flags &^= 1 << bit
		}
	}
	if flags != 0 {
		list = append(list, fmt.Sprintf("%#x", flags))
	}
	return strings.Join(list, ",")
}

// sized is a size and the type that has it.
func sized(size uint32, typ string) string { return strings.TrimSpace(number(size) + " " + typ) }

// someOf lists a few names and how many there are beside them.
func someOf(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func yesOrNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
