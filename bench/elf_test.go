package bench

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
	peer "github.com/cilium/ebpf"
	peerasm "github.com/cilium/ebpf/asm"
)

// peerDir is where the peer's source is.
func peerDir(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// peerObjects are all objects among the peer's test data.
func peerObjects(tb testing.TB) map[string][]byte {
	tb.Helper()
	dir := peerDir(tb)
	out := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".elf" && filepath.Ext(path) != ".o" {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = b
		return err
	})
	if err != nil || len(out) < 40 {
		tb.Fatalf("%d objects, %v", len(out), err)
	}
	return out
}

// known are the differences that are expected, by file and by what differs, each with its reason.
var known = []struct{ file, what, reason string }{
	{"compiled/core-", "expected init_task to be *Void", "a kernel variable with a type is read"},
	{"compiled/maps-", "unrecognized field numa_node", "numa_node is read"},
	{"compiled/ops-", "got '.struct_ops' section", "struct_ops without links are read"},
	{"compiled/tcp-", "got '.struct_ops' section", "struct_ops without links are read"},
	{"compiled/arena-", "reference to", "variables in an arena are read"},
	{"compiled/jump-", "reference to", "jump tables are read"},
	{"", "map events: type", "sizes of a perf event array are 4; the peer sets them while it loads"},
	{"", "map perf_event_array: type", "sizes of a perf event array are 4; the peer sets them while it loads"},
	{"invalid_map_static", "possible erroneous static qualifier", "a static map of an old object is found by its symbol"},
	{"iproute2_map_compat", "map hash_map: type", "the pinning that iproute2's definition asks for is read"},
	{"kconfig-", "kconfig: only ours", "configuration values are a map and variables in the spec"},
	{"kconfig-", "variable LINUX_", "configuration values are a map and variables in the spec"},
	{"kconfig-", "variable CONFIG_", "configuration values are a map and variables in the spec"},
	{"loader", "peer 18 0 0 0 MY_CONST", "an undefined symbol is a reference to a variable of that name"},
	{"loader", "program static_fn: only the peer's", "a static function is not a program, as for libbpf"},
	{"loader", "program global_fn3: only the peer's", "a function that others call, in a section of unknown kind, is not a program"},
	{"struct_ops-", "peer StructOps", "the member is written type.member"},
}

// knownAs returns the index of the difference among the expected ones, or -1.
func knownAs(file, what string) int {
	for i, k := range known {
		if strings.Contains(file, k.file) && strings.Contains(what, k.what) {
			return i
		}
	}
	return -1
}

// TestSameObjects reads every object with both libraries: programs, types, maps, variables and
// instructions are the same, but for what is listed. Each of that still happens somewhere.
func TestSameObjects(t *testing.T) {
	objects := peerObjects(t)
	for name, b := range compiled(t) {
		objects[name] = b
	}
	names := make([]string, 0, len(objects))
	for name := range objects {
		names = append(names, name)
	}
	slices.Sort(names)
	same, seen := 0, make([]bool, len(known))
	for _, name := range names {
		both, out := differences(objects[name])
		for _, what := range out {
			if i := knownAs(name, what); i >= 0 {
				seen[i] = true
			} else {
				t.Errorf("%s: %s", name, what)
			}
		}
		if both {
			same++
		}
	}
	for i, k := range known {
		if !seen[i] && !strings.HasPrefix(k.file, "compiled/") {
			t.Errorf("%q of %q does not happen any more", k.what, k.file)
		}
	}
	t.Logf("%d objects, %d read by both", len(names), same)
}

// differences lists what the libraries read differently in an object, and whether both read it.
func differences(b []byte) (both bool, out []string) {
	ours, err := elf.LoadBytes(b, elf.Options{Lenient: true})
	theirs, peerErr := peer.LoadCollectionSpecFromReader(bytes.NewReader(b))
	switch {
	case err != nil && peerErr != nil:
		return false, nil
	case err != nil || peerErr != nil:
		return false, []string{fmt.Sprintf("load: ours %v; peer %v", err, peerErr)}
	}
	d := differ{}
	d.programs(ours, theirs)
	d.maps(ours, theirs)
	d.vars(ours, theirs)
	return true, d.out
}

// differ lists differences as text.
type differ struct{ out []string }

func (d *differ) add(format string, args ...any) { d.out = append(d.out, fmt.Sprintf(format, args...)) }

func (d *differ) programs(ours *spec.Collection, theirs *peer.CollectionSpec) {
	for _, p := range ours.Programs {
		q := theirs.Programs[p.Name]
		switch {
		case q == nil:
			d.add("program %s: only ours", p.Name)
			continue
		case uint32(p.Type) != uint32(q.Type) || uint32(p.AttachType) != uint32(q.AttachType) || p.AttachTo != q.AttachTo || uint32(p.Flags) != q.Flags:
			d.add("program %s: %v %v %q %#x, peer %v %v %q %#x", p.Name, p.Type, uint32(p.AttachType), p.AttachTo, p.Flags, q.Type, uint32(q.AttachType), q.AttachTo, q.Flags)
		}
		d.code(p, q)
	}
	for name := range theirs.Programs {
		if ours.Program(name) == nil {
			d.add("program %s: only the peer's", name)
		}
	}
}

// code compares functions by name: what the instructions do, and what they refer to.
func (d *differ) code(p *spec.Program, q *peer.ProgramSpec) {
	ours, theirs := ourFuncs(p), peerFuncs(q)
	for name, code := range ours {
		if other, ok := theirs[name]; !ok {
			d.add("program %s: function %s is only ours", p.Name, name)
		} else if code != other {
			a, b := strings.Split(code, "\n"), strings.Split(other, "\n")
			for i := 0; i < len(a) && i < len(b); i++ {
				if a[i] != b[i] {
					d.add("program %s: function %s: instruction %d: %s, peer %s", p.Name, name, i, a[i], b[i])
					break
				}
			}
			if len(a) != len(b) {
				d.add("program %s: function %s: %d instructions, peer %d", p.Name, name, len(a)-1, len(b)-1)
			}
		}
	}
	for name := range theirs {
		if _, ok := ours[name]; !ok {
			d.add("program %s: function %s is only the peer's", p.Name, name)
		}
	}
}

func ourFuncs(p *spec.Program) map[string]string {
	places := make(map[asm.Label]int)
	for i, in := range p.Insns.All() {
		places[in.Label] = i
	}
	out := make(map[string]string)
	name := ""
	for i, in := range p.Insns.All() {
		if in.Func != nil {
			name = in.Func.Name
		}
		ref, imm := in.Symbol, in.Imm
		switch in.Ref {
		case asm.RefNone:
		case asm.RefLabel:
			ref = fmt.Sprintf("%+d", places[in.Target]-i)
		case asm.RefVar, asm.RefMapValue:
			ref, imm = "data", 0
		default:
			imm = 0
		}
		out[name] += line(uint8(in.Op), uint8(in.Dst), in.Off, imm, ref)
	}
	return out
}

// line returns an instruction as text. Offsets are not part of it: both sides have labels.
func line(op, dst uint8, off int16, imm int64, ref string) string {
	if jump(op) {
		off = 0
		if op&0xf0 == 0 {
			imm = 0
		}
	}
	return fmt.Sprintf("%02x %d %d %d %s\n", op, dst, off, imm, ref)
}

func peerFuncs(q *peer.ProgramSpec) map[string]string {
	places := make(map[string]int)
	slots := make(map[int]int) // instruction by slot
	starts := make([]int, len(q.Instructions))
	slot := 0
	for i, in := range q.Instructions {
		places[in.Symbol()], slots[slot], starts[i] = i, i, slot
		slot++
		if in.OpCode.IsDWordLoad() {
			slot++
		}
	}
	out := make(map[string]string)
	name := ""
	for i, in := range q.Instructions {
		if s := in.Symbol(); s != "" && (i == 0 || peerStart(q, s)) {
			name = s
		}
		ref, imm := in.Reference(), in.Constant
		switch {
		case jump(uint8(in.OpCode)) && ref != "":
			ref = fmt.Sprintf("%+d", places[ref]-i)
		case jump(uint8(in.OpCode)):
			ref = fmt.Sprintf("%+d", slots[starts[i]+1+peerDistance(in)]-i)
		case in.OpCode.IsDWordLoad() && in.Src == peerasm.PseudoMapValue:
			ref, imm = "data", 0
		case ref != "":
			imm = 0
		}
		out[name] += line(uint8(in.OpCode), uint8(in.Dst), in.Offset, imm, ref)
	}
	return out
}

// peerDistance returns how many slots a jump goes.
func peerDistance(in peerasm.Instruction) int {
	if uint8(in.OpCode) == 0x06 {
		return int(in.Constant)
	}
	return int(in.Offset)
}

// peerStart reports whether a symbol is a function: something calls it or takes its address.
func peerStart(q *peer.ProgramSpec, symbol string) bool {
	return slices.ContainsFunc(q.Instructions, func(in peerasm.Instruction) bool {
		return in.Reference() == symbol && !jump(uint8(in.OpCode))
	})
}

func jump(op uint8) bool { return (op&7 == 5 || op&7 == 6) && op&0xf0 != 0x80 && op&0xf0 != 0x90 }

func (d *differ) maps(ours *spec.Collection, theirs *peer.CollectionSpec) {
	for _, m := range ours.Maps {
		q := theirs.Maps[m.Name]
		if q == nil {
			d.add("map %s: only ours", m.Name)
			continue
		}
		d.sameMap(m.Name, m, q)
		if (m.Inner != nil) != (q.InnerMap != nil) {
			d.add("map %s: inner %v, peer %v", m.Name, m.Inner, q.InnerMap)
		} else if m.Inner != nil {
			d.sameMap(m.Name+" inner", m.Inner, q.InnerMap)
		}
		if m.Data == nil && len(m.Values) != len(q.Contents) && !strings.HasPrefix(m.Name, ".bss") {
			d.add("map %s: %d values, peer %d", m.Name, len(m.Values), len(q.Contents))
		}
		if m.Data != nil && len(q.Contents) == 1 {
			if b, ok := q.Contents[0].Value.([]byte); !ok || !bytes.Equal(b, m.Data) {
				d.add("map %s: other bytes", m.Name)
			}
		}
	}
	for name := range theirs.Maps {
		if ours.Map(name) == nil {
			d.add("map %s: only the peer's", name)
		}
	}
}

// sameMap compares attributes. The peer makes data sections mappable only while it loads them.
func (d *differ) sameMap(name string, m *spec.Map, q *peer.MapSpec) {
	ours := fmt.Sprint(uint32(m.Type), m.KeySize, m.ValueSize, m.MaxEntries, uint32(m.Flags&^spec.FlagMmapable), m.Extra, m.NUMANode, uint32(m.Pinning))
	theirs := fmt.Sprint(uint32(q.Type), q.KeySize, q.ValueSize, q.MaxEntries, q.Flags&^uint32(spec.FlagMmapable), q.MapExtra, q.NumaNode, uint32(q.Pinning))
	if ours != theirs {
		d.add("map %s: type, sizes, entries, flags, extra, node, pinning are %s, peer %s", name, ours, theirs)
	}
}

func (d *differ) vars(ours *spec.Collection, theirs *peer.CollectionSpec) {
	for name, q := range theirs.Variables {
		v := ours.Var(name)
		switch {
		case v == nil:
			d.add("variable %s: only the peer's", name)
		case v.Size != q.Size() || v.Offset != q.Offset || v.Map != q.SectionName:
			d.add("variable %s: %s+%d %d bytes, peer %s+%d %d", name, v.Map, v.Offset, v.Size, q.SectionName, q.Offset, q.Size())
		}
	}
	for _, v := range ours.Vars {
		if theirs.Variables[v.Name] == nil && v.Linkage != spec.LinkStatic && v.Linkage != spec.LinkHidden {
			d.add("variable %s: only ours", v.Name)
		}
	}
}

// compilers are those that compiled uses where they are installed, each with the sources and
// instruction sets that it does not know.
var compilers = []struct {
	name  string
	lacks []string
}{
	{"clang-14", []string{"v4", "ops", "arena", "jump"}},
	{"clang-19", []string{"jump"}},
	{"clang-22", nil},
}

// compiled builds the sources of core/elf's test data with every compiler, for every instruction
// set, with and without BTF, in both byte orders.
func compiled(tb testing.TB) map[string][]byte {
	tb.Helper()
	out := make(map[string][]byte)
	dir := tb.TempDir()
	for _, c := range compilers {
		if _, err := exec.LookPath(c.name); err != nil {
			if testenv.Required(testenv.Packages) {
				tb.Fatal(err)
			}
			tb.Logf("%s is missing: its objects are not compared", c.name)
			continue
		}
		for _, source := range []string{"basic", "maps", "core", "legacy", "ops", "tcp", "arena", "jump"} {
			for _, cpu := range []string{"v1", "v2", "v3", "v4"} {
				if slices.Contains(c.lacks, source) || slices.Contains(c.lacks, cpu) || source == "jump" && cpu != "v4" {
					continue
				}
				for _, target := range []string{"bpfel", "bpfeb"} {
					for _, debug := range []string{"-g", "-g0"} {
						if debug == "-g0" && source == "core" {
							continue // relocations by type need types
						}
						name := fmt.Sprintf("compiled/%s-%s-%s%s-%s.o", source, cpu, target, debug, c.name)
						args := []string{debug, "-target", target, "-mcpu=" + cpu, "../core/elf/testdata/" + source + ".c"}
						if source == "jump" { // compilers make tables of fewer places only if they are told to
							args = append(args, "-mllvm", "-bpf-min-jump-table-entries=4")
						}
						out[name] = compileWith(tb, c.name, filepath.Join(dir, "o.o"), args...)
					}
				}
			}
		}
	}
	return out
}

func compileWith(tb testing.TB, compiler, file string, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command(compiler, append([]string{"-O2", "-c", "-o", file}, args...)...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", cmd, err, msg)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// elfTasks are rows 5 and 6 of the performance goals, copies, and links: objects of several sizes.
// libbpf refuses manyprogs and loader for the way in which they define maps.
func elfTasks(tb testing.TB, l *libbpf) []Task {
	objects := peerObjects(tb)
	const manyprogs, loader, variables = "testdata/manyprogs-el.elf", "testdata/loader-clang-22-el.elf", "testdata/variables-el.elf"
	input := func(goal float64, b []byte) Peer { return l.peer(goal, "open", file(tb, b)) }
	var tasks []Task
	big := bigObject(tb)
	if big != nil {
		tasks = append(tasks, loadTask("load big", big, 0.25, input(3, big)), copyTask(tb, "copy big", big))
	}
	for _, o := range []struct {
		name string
		data []byte
		goal float64
		peer Peer
	}{
		{"manyprogs", objects[manyprogs], 0.3, Peer{}},
		{"loader", objects[loader], 0.5, Peer{}},
		{"variables", objects[variables], 0.5, input(1, objects[variables])},
		{"execwatch", readObject(tb, smallObject), 0.5, l.peer(0, "open", smallObject)},
	} {
		if o.data == nil {
			tb.Fatalf("%s is missing among the peer's objects", o.name)
		}
		tasks = append(tasks, loadTask("load "+o.name, o.data, o.goal, o.peer), copyTask(tb, "copy "+o.name, o.data))
	}
	tasks = append(tasks, linkTask(tb, l, "link", 0, "../core/elf/testdata/link/a-el.o", "../core/elf/testdata/link/b-el.o"))
	if big != nil {
		tasks = append(tasks, linkTask(tb, l, "link big", 1.2, file(tb, big), file(tb, compile(tb, largeSource()))))
	}
	return tasks
}

func loadTask(name string, b []byte, goal float64, other Peer) Task {
	return Task{name, 1, "object", Call(func() error {
		_, err := elf.LoadBytes(b, elf.Options{Lenient: true})
		return err
	}), peers(cilium(goal, func() error {
		_, err := peer.LoadCollectionSpecFromReader(bytes.NewReader(b))
		return err
	}), other)}
}

func copyTask(tb testing.TB, name string, b []byte) Task {
	ours, err := elf.LoadBytes(b, elf.Options{Lenient: true})
	if err != nil {
		tb.Fatal(err)
	}
	theirs, err := peer.LoadCollectionSpecFromReader(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	return Task{name, 1, "object", Call(func() error {
		ours.Clone()
		return nil
	}), peers(cilium(0.2, func() error {
		theirs.Copy()
		return nil
	}))}
}

// linkTask links files to a file.
func linkTask(tb testing.TB, l *libbpf, name string, goal float64, files ...string) Task {
	dir := tb.TempDir()
	return Task{name, 1, "link", Call(func() error {
		objects := make([]elflink.Object, len(files))
		for i, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			objects[i] = elflink.Object{Name: f, Data: b}
		}
		b, err := elflink.Link(objects...)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "ours.o"), b, 0o600)
	}), peers(l.peer(goal, "link", strings.Join(append(files, filepath.Join(dir, "libbpf.o")), ",")))}
}
