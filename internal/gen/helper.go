package gen

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed helpers.txt
var helpers string

// helper is one line of helpers.txt.
type helper struct {
	number   uint64
	name     string
	result   string
	args     []helperArg
	variadic bool
	gpl      string // "Yes", "No" or "Unknown"
	since    string
	programs uint64
}

type helperArg struct{ kind, typ, name string }

// parseHelpers reads helpers.txt; ids and types are the constants of uapi.txt.
func parseHelpers(text string, ids, types []value) ([]helper, error) {
	bits := map[string]uint{}
	for _, t := range types {
		if name, ok := strings.CutPrefix(t.name, "BPF_PROG_TYPE_"); ok {
			bits[strings.ToLower(name)] = uint(t.number)
		}
	}
	var out []helper
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		h, err := parseHelper(strings.Split(line, " | "), bits)
		if err != nil {
			return nil, fmt.Errorf("read line %d: %w", n, err)
		}
		i := len(out) + 1 // number 0 is not a helper
		if i >= len(ids) || h.number != uint64(i) || "BPF_FUNC_"+h.name != "BPF_FUNC_bpf_"+strings.TrimPrefix(ids[i].name, "BPF_FUNC_") {
			return nil, fmt.Errorf("read line %d: helper %d %s is not the next of uapi.txt", n, h.number, h.name)
		}
		out = append(out, h)
	}
	return out, nil
}

func parseHelper(f []string, bits map[string]uint) (helper, error) {
	if len(f) != 7 {
		return helper{}, fmt.Errorf("it has %d fields, not 7", len(f))
	}
	number, err := strconv.ParseUint(f[0], 10, 16)
	if err != nil {
		return helper{}, fmt.Errorf("read number: %w", err)
	}
	h := helper{number: number, name: f[1], result: f[2]}
	switch f[4] {
	case "gpl":
		h.gpl = "Yes"
	case "any":
		h.gpl = "No"
	case "?":
		h.gpl = "Unknown"
	default:
		return helper{}, fmt.Errorf("license %q is none of gpl, any and ?", f[4])
	}
	if f[5] != "?" {
		if _, err := strconv.ParseFloat(f[5], 32); err != nil {
			return helper{}, fmt.Errorf("read version: %w", err)
		}
		h.since = f[5]
	}
	if err := h.parseArgs(f[3]); err != nil {
		return helper{}, err
	}
	h.programs, err = parsePrograms(f[6], bits)
	return h, err
}

// parseArgs reads the parameters of a C prototype.
func (h *helper) parseArgs(text string) error {
	if text == "void" {
		return nil
	}
	for i, p := range strings.Split(text, ", ") {
		if p == "..." {
			h.variadic = true
			continue
		}
		at := strings.LastIndexAny(p, " *") + 1
		if at == 0 || at == len(p) {
			return fmt.Errorf("parameter %q has no type or no name", p)
		}
		a := helperArg{typ: strings.TrimSpace(p[:at]), name: p[at:]}
		a.kind = argKind(a, i == 0, h.name)
		h.args = append(h.args, a)
	}
	if len(h.args) > 5 {
		return fmt.Errorf("it has %d parameters, at most 5 are passed", len(h.args))
	}
	return nil
}

// contexts are the types of program contexts in prototypes.
var contexts = []string{
	"struct __sk_buff *", "struct xdp_md *", "struct bpf_sock_ops *", "struct sk_msg_md *", "struct sk_reuseport_md *",
	"struct bpf_sysctl *", "struct bpf_sock_addr *", "struct pt_regs *", "struct bpf_perf_event_data *", "struct bpf_sk_lookup *",
}

// objects are the helpers whose ctx is a kernel object and not the context of the program.
var objects = []string{"bpf_skb_output", "bpf_xdp_output"}

// argKind says what a parameter stands for; names are those that the prototypes use throughout.
func argKind(a helperArg, first bool, helper string) string {
	switch {
	case !strings.HasSuffix(a.typ, "*"):
		return "ArgNumber"
	case a.name == "map" || a.name == "prog_array_map":
		return "ArgMap"
	case a.name == "callback_fn":
		return "ArgFunc"
	case first && !slices.Contains(objects, helper) && (a.name == "ctx" || slices.Contains(contexts, a.typ)):
		return "ArgContext"
	}
	return "ArgPointer"
}

// parsePrograms reads a set of program types as bits by number; 0 is not known.
func parsePrograms(text string, bits map[string]uint) (uint64, error) {
	if text == "?" {
		return 0, nil
	}
	var set uint64
	for i, word := range strings.Fields(text) {
		name, without := strings.CutPrefix(word, "-")
		if i == 0 && word == "all" {
			for name, n := range bits {
				if name != "unspec" && name != "ext" && name != "struct_ops" {
					set |= 1 << n
				}
			}
			continue
		}
		n, ok := bits[name]
		if !ok {
			return 0, fmt.Errorf("program type %q is not in uapi.txt", name)
		}
		if without {
			set &^= 1 << n
		} else {
			set |= 1 << n
		}
	}
	return set, nil
}

// writeHelpers appends the table of helpers.
func writeHelpers(b *bytes.Buffer, hs []helper) {
	fmt.Fprintf(b, "\n// helperInfos holds what is known of the helpers, by number.\nvar helperInfos = [...]HelperInfo{\n")
	for _, h := range hs {
		fmt.Fprintf(b, "\t%d: {Result: %q, ", h.number, h.result)
		if len(h.args) > 0 {
			fmt.Fprintf(b, "Args: []HelperArg{")
			for i, a := range h.args {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(b, "{%s, %q, %q}", a.kind, a.typ, a.name)
			}
			b.WriteString("}, ")
		}
		if h.variadic {
			b.WriteString("Variadic: true, ")
		}
		fmt.Fprintf(b, "GPL: %s, Since: %q, Programs: %#x},\n", h.gpl, h.since, h.programs)
	}
	b.WriteString("}\n")
}
