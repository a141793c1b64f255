package elf_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/internal/secdef"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

func TestSectionsLenient(t *testing.T) {
	const text = "section xdp_drop\n.func drop\nr0 = 1\nexit\nsection ?kprobe/f\n.func probe\nr0 = 0\nexit"
	b := elftest.MustBytes(text)
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Program("drop"); p.Type != 0 || len(c.Notes) != 1 || c.Notes[0].Code != elf.NoteUnknown {
		t.Errorf("exact: %v, notes %+v", p.Type, c.Notes)
	}
	if p := c.Program("probe"); !p.Optional || p.Type != spec.ProgramKprobe || p.AttachTo != "f" || p.Section != "?kprobe/f" {
		t.Errorf("optional program: %+v", p)
	}
	if c, err = elf.LoadBytes(b, elf.Options{Lenient: true}); err != nil {
		t.Fatal(err)
	}
	if p := c.Program("drop"); p.Type != spec.ProgramXDP || len(c.Notes) != 1 || c.Notes[0].Code != elf.NoteLenient {
		t.Errorf("lenient: %v, notes %+v", p.Type, c.Notes)
	}
}

// TestSectionsProbe reads what is probed from the names of sections, whatever stands before and after them.
func TestSectionsProbe(t *testing.T) {
	own := []elf.SectionRule{{Pattern: "mine+", Type: spec.ProgramKprobe, Probe: spec.ProbeUretprobe}}
	for section, want := range map[string]spec.Probe{
		"kprobe/f": spec.ProbeKprobe, "?kprobe/f": spec.ProbeKprobe, "kretprobe/f": spec.ProbeKretprobe,
		"?kretprobe/f": spec.ProbeKretprobe, "?kretsyscall/f": spec.ProbeKretsyscall, "?uretprobe.s/a:b": spec.ProbeUretprobe,
		"?kretprobe.multi/f": spec.ProbeKretprobe, "usdt.s/a:b:c": spec.ProbeUSDT, "kretprobe_f": spec.ProbeKretprobe,
		"?mine/f": spec.ProbeUretprobe, "?xdp": spec.ProbeNone,
	} {
		b := elftest.MustBytes("section " + section + "\n.func probe\nr0 = 0\nexit")
		c, err := elf.LoadBytes(b, elf.Options{Lenient: true, Sections: own})
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Program("probe"); p.Probe != want || p.Optional != (section[0] == '?') {
			t.Errorf("section %s: probe %v, optional %v", section, p.Probe, p.Optional)
		}
	}
}

// TestSectionsOfFunctions reads what compilers make with a section for each function: those of .text are libraries,
// used or not.
func TestSectionsOfFunctions(t *testing.T) {
	c, err := elf.LoadBytes(elftest.MustBytes("section xdp\n.func drop\ncall used\nexit\nsection .text.used\n.func used\nr0 = 1\nexit\nsection .text.unused\n.func unused\nr0 = 1\nexit"), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Programs) != 1 || c.Programs[0].FindFunc("used") < 0 || len(c.Notes) > 0 || c.Check() != nil {
		t.Errorf("%d programs, notes %v, %v", len(c.Programs), c.Notes, c.Check())
	}
}

const sectionsFile = "../../docs/sections.md"

// TestSectionsDoc makes docs/sections.md of the table and compares.
func TestSectionsDoc(t *testing.T) {
	want := sectionsDoc()
	if *write {
		if err := os.WriteFile(sectionsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(sectionsFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(have)); d != "" {
		t.Errorf("docs/sections.md is out of date; run go test ./core/elf -run SectionsDoc -write (-want +have):\n%s", d)
	}
}

// TestSectionsDocRows has the names of sections that libbpf and cilium/ebpf document.
func TestSectionsDocRows(t *testing.T) {
	doc, err := os.ReadFile(sectionsFile)
	if err != nil {
		t.Fatal(err)
	}
	const programs = `
socket sk_reuseport/migrate sk_reuseport kprobe/ kretprobe/ ksyscall/ kretsyscall/ kprobe.multi/ kretprobe.multi/
kprobe.session/ uprobe/ uretprobe/ uprobe.s/ uretprobe.s/ uprobe.multi/ uretprobe.multi/ uprobe.session/ uprobe.multi.s/
uretprobe.multi.s/ uprobe.session.s/ usdt/ usdt.s/ tc/ingress tcx/ingress tc/egress tcx/egress netkit/primary netkit/peer
tc classifier action tracepoint/ tp/ tracepoint.s/ tp.s/ raw_tracepoint/ raw_tp/ raw_tracepoint.s/ raw_tp.s/
raw_tracepoint.w/ raw_tp.w/ tp_btf/ tp_btf.s/ fentry/ fexit/ fmod_ret/ fentry.s/ fexit.s/ fmod_ret.s/ fsession/ fsession.s/
fentry.multi/ fexit.multi/ fsession.multi/ fentry.multi.s/ fexit.multi.s/ fsession.multi.s/ freplace/ lsm/ lsm.s/
lsm_cgroup/ iter/ iter.s/ syscall xdp xdp.frags xdp/devmap xdp.frags/devmap xdp/cpumap xdp.frags/cpumap perf_event
lwt_in lwt_out lwt_xmit lwt_seg6local sockops sk_skb/stream_parser sk_skb/stream_verdict sk_skb/verdict sk_skb sk_msg
lirc_mode2 flow_dissector cgroup_skb/ingress cgroup_skb/egress cgroup/skb cgroup/sock_create cgroup/sock
cgroup/sock_release cgroup/post_bind4 cgroup/post_bind6 cgroup/bind4 cgroup/bind6 cgroup/connect4 cgroup/connect6
cgroup/sendmsg4 cgroup/sendmsg6 cgroup/recvmsg4 cgroup/recvmsg6 cgroup/getpeername4 cgroup/getpeername6
cgroup/getsockname4 cgroup/getsockname6 cgroup/connect_unix cgroup/sendmsg_unix cgroup/recvmsg_unix
cgroup/getpeername_unix cgroup/getsockname_unix cgroup/sysctl cgroup/getsockopt cgroup/setsockopt cgroup/dev struct_ops/
struct_ops.s/ sk_lookup netfilter`
	const others = `license version maps .maps .data .rodata .bss .kconfig .ksyms .struct_ops .struct_ops.link ?.struct_ops
?.struct_ops.link .addr_space.1 .jumptables .text .BTF .BTF.ext .BTF.base .rel .llvm_addrsig .strtab`
	for _, name := range strings.Fields(programs + " " + others) {
		if !bytes.Contains(doc, []byte("`"+name)) {
			t.Errorf("docs/sections.md has no row for %s", name)
		}
	}
	if n := len(strings.Fields(programs)); n != len(secdef.Defs) {
		t.Errorf("%d names are listed here, the table has %d", n, len(secdef.Defs))
	}
}

// sectionsDoc is the text of docs/sections.md.
func sectionsDoc() []byte {
	var b bytes.Buffer
	b.WriteString(sectionsHead)
	b.WriteString("| Section | Program type | Expected attach type | Flags | `…` says | `bpfhost` attaches to | Linux |\n|---|---|---|---|---|---|---|\n")
	for _, r := range secdef.Defs {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", shown(r), r.Type, attachText(r), flagText(r.Flags), r.Extra, hookText(r), sinceText(r))
	}
	b.WriteString(sectionsLenient)
	for _, r := range secdef.Samples {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Pattern, r.Type, attachText(r), flagText(r.Flags))
	}
	b.WriteString(sectionsTail)
	for _, code := range slices.Sorted(maps.Keys(elf.NoteTexts)) {
		fmt.Fprintf(&b, "| %s | %s |\n", code, elf.NoteTexts[code])
	}
	return b.Bytes()
}

// shown is a pattern for people: "kprobe/…" may also stand without what follows the slash.
func shown(r secdef.Def) string {
	if base, open := strings.CutSuffix(r.Pattern, "+"); open {
		return base + "/…"
	}
	return r.Pattern
}

func attachText(r secdef.Def) string {
	if r.AttachType == 0 && r.Pattern != "cgroup_skb/ingress" {
		return ""
	}
	return r.AttachType.String()
}

func flagText(f spec.ProgramFlags) string {
	switch f {
	case spec.FlagSleepable:
		return "sleepable"
	case spec.FlagXDPFrags:
		return "frags"
	}
	return ""
}

// hookText is the family of hooks that bpfhost attaches such a program to.
func hookText(r secdef.Def) string {
	name, _, _ := strings.Cut(r.Pattern, "+")
	a, _ := spec.DefaultAttach(&spec.Program{Section: name, Type: r.Type, AttachType: r.AttachType, Probe: r.Probe, AttachTo: "x"})
	if a.Kind == spec.HookNone {
		return ""
	}
	return a.Kind.String()
}

func sinceText(r secdef.Def) string {
	c := spec.Collection{Programs: []*spec.Program{{Type: r.Type, AttachType: r.AttachType, Flags: r.Flags}}}
	needs := lint.Requirements(&c)
	if n := append(needs.Optional, needs.Causes...); len(n) > 0 { // those that are optional, the hook, are younger
		return n[0].Since.String()
	}
	return ""
}

const sectionsHead = `# Sections of object files

<!-- Made from the table in core/elf by go test ./core/elf -run SectionsDoc -write. DO NOT EDIT. -->

What ` + "`core/elf`" + ` makes of the sections of an eBPF object file. Names and rules are those of libbpf.

## Programs

The name of a code section says what its functions are. A name with ` + "`/…`" + ` matches alone, and with a slash and text after it; any
other matches exactly. The first row that matches counts. Every function that is not static is a program. Static ones
are refused, as libbpf does; leniently they are functions where something refers to them, and programs
with note N14 where nothing does.

A ` + "`?`" + ` before any of the names (` + "`?kprobe/do_unlinkat`" + `) makes its programs optional: they are loaded only when something attaches them.

The last column is the first Linux that has such programs, where that is not 5.10 or before.

`

const sectionsLenient = `
A section with another name is kept with its programs, of no type, with note N05; they are loaded once somebody gives them one.

### More names

` + "`elf.Options`" + ` takes more names: ` + "`Sections`" + ` come before the table, ` + "`Fallbacks`" + ` after it. A plugin declares names of its own in its
describe phase (` + "`AddSection`, `bpfhost_section`" + `; kind ` + "`section`" + ` in docs/abi.md). They come after the table, hold while that plugin is at work,
and ` + "`bpfhost inspect PLUGIN.wasm`" + ` shows them.

### The lenient rule

With ` + "`elf.Options.Lenient`" + `, a section that matches nothing is taken for the longest name in the table that it begins
with (` + "`socket/2`, `xdp_drop`" + `), with note N07. So do ` + "`bpfhost inspect`, `plan` and `run`" + `; ` + "`inspect --strict`" + ` does not. These are known too, from the kernel's
samples and old versions of libbpf:

| Section begins with | Program type | Expected attach type | Flags |
|---|---|---|---|
`

const sectionsTail = `
## Other sections

| Section | Meaning |
|---|---|
| ` + "`license`" + ` | license of the programs, as the kernel judges it |
| ` + "`version`" + ` | version of the kernel that the programs are for, a number of 32 bits |
| ` + "`.text`, `.text.…`" + ` | functions that programs call, from whatever section |
| ` + "`.maps`" + ` | maps that BTF describes |
| ` + "`maps`, `maps/…`, `…/maps`" + ` | maps without BTF: struct bpf_map_def of any size, iproute2's, those of the kernel's samples |
| ` + "`ID/KEY`" + `, two numbers | a program: entry KEY of the array of programs to which iproute2's definition gives that ID (note N12) |
| ` + "`.data`, `.data.…`" + ` | variables; one array with one value for each section |
| ` + "`.rodata`, `.rodata.…`" + ` | constants; likewise, frozen before programs are verified |
| ` + "`.bss`, `.bss.…`" + ` | variables that begin as zero; likewise |
| ` + "`.addr_space.1`" + ` | variables of the arena |
| ` + "`.kconfig`" + ` | in BTF only: values of the kernel's configuration |
| ` + "`.ksyms`" + ` | in BTF only: functions and symbols of the kernel |
| ` + "`.struct_ops`, `.struct_ops.link`" + ` | instances of struct_ops; the latter are registered by a link |
| ` + "`?.struct_ops`, `?.struct_ops.link`" + ` | likewise, created only when asked for |
| ` + "`.jumptables`" + ` | tables of places that gotox goes to; those of the programs that use them |
| ` + "`.BTF`, `.BTF.ext`" + ` | types; functions, source lines and CO-RE records |
| ` + "`.BTF.base`" + ` | types that those of a kernel module rest on; left out here |
| ` + "`.rel…`" + ` | what instructions and initial data refer to |
| ` + "`.llvm_addrsig`, `.strtab`" + `, debug information | left out |

## Notes

What is unusual about an object and kept nobody from reading it: ` + "`bpfhost inspect`" + ` and plans show it, ` + "`inspect --strict`" + ` rejects it. Codes never
change their meaning.

| Code | Meaning |
|---|---|
`
