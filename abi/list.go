package abi

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// List writes all that a guest can rely on as text, one line for each entry, in a stable order:
// what `bpfhost abi` prints. Lines are only ever added.
func List(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "abi %s %d.%d\n", Module, Major, Minor)
	fmt.Fprintf(b, "hash %s\n", Hash())
	for _, f := range funcs {
		fmt.Fprintf(b, "func %d %s(%s) -> i32 %s", f.ID, f.Name, signature(f.Params), f.Phases)
		if f.Capability != "" {
			fmt.Fprintf(b, " needs %q", f.Capability)
		}
		fmt.Fprintf(b, " since %d.%d\n", Major, f.Since)
	}
	for _, h := range hooks {
		fmt.Fprintf(b, "hook %s(%s) -> i32 %s", h.Name, signature(h.Params), h.Phase)
		if h.Required {
			b.WriteString(" required")
		}
		fmt.Fprintf(b, " since %d.%d\n", Major, h.Since)
	}
	for _, p := range properties {
		fmt.Fprintf(b, "prop 0x%04x %s %s", uint32(p.ID()), p.FullName(), typeText(p.Type.String(), p.Of))
		fmt.Fprintf(b, " read %s write %s since %d.%d\n", p.Read, p.Write, Major, p.Since)
	}
	for _, r := range records {
		fmt.Fprintf(b, "record %s %d bytes since %d.%d\n", r.Name, r.Size, Major, r.Since)
		for _, f := range r.Fields {
			fmt.Fprintf(b, "field %s.%s %s at %d since %d.%d\n", r.Name, f.Name, f.Type, f.Offset, Major, f.Since)
		}
	}
	for _, e := range enums {
		for _, v := range e.Values {
			fmt.Fprintf(b, "value %s %s %d since %d.%d\n", e.Name, v.Name, v.Num, Major, v.Since)
		}
	}
	return b.Flush()
}

// signature prints parameters with their names: "key name, value out".
func signature(params []Param) string {
	var parts []string
	for _, p := range params {
		parts = append(parts, p.Name+" "+typeText(p.Kind.String(), p.Of))
	}
	return strings.Join(parts, ", ")
}

func typeText(typ, of string) string {
	if of == "" {
		return typ
	}
	return typ + ":" + of
}
