package main

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

const refIntro = `<!-- %s -->

# Guest ABI %s

What a plugin may call and what the host calls in it. Import module ` + "`%s`" + `; definition %s.

- **Results** are i32: zero or above is success, below zero is minus an [error code](#errno).
  ` + "`err_info`" + ` has the details.
- **Version**: a guest exports ` + "`bpfhost_abi`" + ` and says what it was built for. A host takes guests of
  its own or an older minor version. Nothing that was released changes; what was added since is
  marked.
- **Memory** belongs to the guest. Bytes go in as pointer and length. They come back into a buffer
  of the guest: the result is the length needed, and if the buffer is smaller, nothing was written.
  With a length of zero the pointer is not looked at. Input and output may overlap. The host keeps
  no pointer past a call, except the buffer of an open event source.
- **Records** are little-endian, naturally aligned and without pointers. Those that start with
  ` + "`size`" + ` may grow at the end. In: a shorter one is filled with zeros; a longer one must have a tail
  of zeros, else TOOBIG. Out: as much as fits, and ` + "`size`" + ` says how much that is; a buffer smaller
  than the record of version 1.0 is INVAL.
- **Names** are UTF-8 of at most %d bytes without control characters. **Text** is UTF-8 without NUL.
  **Lines** are names of at most %d bytes.
- **Handles** are u32, at least 1, and belong to one instance: kind (5 bits), generation (11), index
  (16). A handle that was closed, or whose object was removed, is BADH from then on.
- **Phases**: each call works in the phases listed for it, elsewhere it answers PHASE. Nothing that
  reaches the kernel can be called before ` + "`loaded`" + `.
- **Transaction**: what the plan phase changes is kept only if ` + "`bpfhost_plan`" + ` returns zero or above,
  the result holds together and the policy grants it. Handles of objects, programs, maps, variables
  and attachments end with the plan.
- **Traps** end the instance. A bad pointer is FAULT instead, until there are too many of them.
`

// reference makes the page docs/abi.md.
func reference() ([]byte, error) {
	var g page
	fmt.Fprintf(&g, refIntro, header, abi.Current, abi.Module, abi.Hash()[:12], abi.MaxName, abi.MaxLine)
	refHooks(&g)
	refFuncs(&g)
	refProps(&g)
	refRecords(&g)
	g.p("\n## Numbers")
	for _, e := range abi.Enums() {
		if !e.Kernel {
			refEnum(&g, e)
		}
	}
	g.p("\nProgram, map and attach types and the flags of `map_put` are the kernel's numbers (include/uapi/linux/bpf.h).")
	return g.Bytes(), nil
}

func refHooks(g *page) {
	g.p("\n## Hooks\n")
	g.p("What a guest exports, besides `memory`. Only `bpfhost_abi` must be there. `_initialize` runs first if present; a module whose linker wraps its exports, so that each call runs its constructors again, needs one.\n")
	for _, h := range abi.Hooks() {
		g.item("`%s(%s)`%s, phase %s: %s", h.Name, refParams(h.Params), since(h.Since), h.Phase, h.Doc)
	}
}

func refFuncs(g *page) {
	g.p("\n## Functions")
	group := ""
	for _, f := range abi.Funcs() {
		if f.Group != group {
			group = f.Group
			g.p("\n### %s%s\n", strings.ToUpper(group[:1]), group[1:])
		}
		needs := ""
		if f.Capability != "" {
			needs = fmt.Sprintf(" Needs `%s`.", f.Capability)
		}
		g.item("`%s(%s)` → %s%s. %s%s Phases: %s.", f.Name, refParams(f.Params), f.Result, since(f.Since), f.Doc, needs, f.Phases)
	}
}

// refParams shows parameters as they are in the wasm signature, without their types.
func refParams(params []abi.Param) string {
	var out []string
	for _, p := range params {
		switch {
		case p.Kind == abi.OutU64:
			out = append(out, p.Name+"_ptr")
		case !p.Kind.Pair():
			out = append(out, p.Name)
		case p.Kind == abi.InArray || p.Kind == abi.OutArray:
			out = append(out, p.Name+"_ptr", p.Name+"_num")
		case p.Kind == abi.Out || p.Kind == abi.OutRecord:
			out = append(out, p.Name+"_ptr", p.Name+"_cap")
		default:
			out = append(out, p.Name+"_ptr", p.Name+"_len")
		}
	}
	return strings.Join(out, ", ")
}

func since(minor uint16) string {
	if minor == 0 {
		return ""
	}
	return fmt.Sprintf(" (since %d.%d)", abi.Major, minor)
}

func refProps(g *page) {
	g.p("\n## Properties\n")
	g.p("Numbers, choices and bools go through `get_u` and `set_u`, the others through `get_b` and `set_b`.\n")
	g.p("| number | name | type | read in | written in | what |\n|---|---|---|---|---|---|")
	for _, p := range abi.Properties() {
		typ := p.Type.String()
		if p.Of != "" {
			typ = p.Of
		}
		g.p("| 0x%04x | %s%s | %s | %s | %s | %s |", uint32(p.ID()), p.FullName(), since(p.Since), typ,
			cell(p.Read.String()), cell(p.Write.String()), p.Doc)
	}
}

// cell keeps bars out of table cells.
func cell(s string) string { return strings.ReplaceAll(s, "|", ", ") }

func refRecords(g *page) {
	g.p("\n## Records")
	for _, r := range abi.Records() {
		g.p("\n### %s\n\n%s %d bytes%s.\n", r.Name, r.Doc, r.Size, since(r.Since))
		g.p("| offset | field | type | what |\n|---|---|---|---|")
		for _, f := range r.Fields {
			g.p("| %d | %s%s | %s | %s |", f.Offset, f.Name, since(f.Since), f.Type, f.Doc)
		}
	}
}

func refEnum(g *page, e abi.Enum) {
	g.p("\n### %s\n\n%s\n", e.Name, e.Doc)
	g.p("| number | name | what |\n|---|---|---|")
	for _, v := range e.Values {
		name := v.Name
		if e.Name == "errno" {
			name = strings.ToUpper(name)
		}
		g.p("| %s | %s%s | %s |", cNumber(e, v), name, since(v.Since), v.Doc)
	}
}
