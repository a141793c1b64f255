package render

import (
	"bytes"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/lab/labtest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// version builds one of two versions of some types.
func version(t testing.TB, next bool) *btf.Types {
	t.Helper()
	var b btf.Builder
	pick := func(a, c uint32) uint32 {
		if next {
			return c
		}
		return a
	}
	i := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	u := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	inner := b.Add(&btf.Struct{Size: 8, Members: []btf.Member{{Name: "rx", Type: i}, {Name: "tx", Type: i, Offset: 32}}})
	held := b.Add(&btf.Struct{Name: "held", Size: pick(4, 8), Members: []btf.Member{{Name: "x", Type: i}}})
	far := b.Add(&btf.Struct{Name: "far", Size: pick(4, 8), Members: []btf.Member{{Name: "x", Type: i}}})
	farPtr := b.Add(&btf.Pointer{Type: far})
	s := &btf.Struct{Name: "task", Size: pick(32, 40), Members: []btf.Member{
		{Name: "pid", Type: i, Offset: pick(0, 64)},
		{Name: "flags", Type: u, Offset: 32, BitSize: pick(3, 4)},
		{Type: inner, Offset: 64 + pick(0, 32)},
		{Name: "held", Type: held, Offset: 160},
		{Name: "far", Type: farPtr, Offset: 192},
	}}
	if next {
		s.Members = append(s.Members, btf.Member{Name: "fresh", Type: u, Offset: 256})
	} else {
		s.Members = append(s.Members, btf.Member{Name: "gone", Type: u, Offset: 128})
	}
	b.Add(s)
	e := &btf.Enum{Name: "color", Size: 4, Signed: true, Values: []btf.Enumerator{{Name: "RED", Value: 1<<64 - 1}, {Name: "BLUE", Value: uint64(pick(1, 2))}}}
	b.Add(e)
	b.Add(&btf.Typedef{Name: "handle", Type: btf.ID(pick(uint32(i), uint32(u)))})
	proto := b.Add(&btf.FuncProto{Return: i, Params: []btf.Param{{Name: "t", Type: btf.ID(pick(uint32(farPtr), uint32(u)))}}})
	b.Add(&btf.Func{Name: "call", Type: proto})
	for n := range pick(2, 3) { // one stays, one changes, one is new
		b.Add(&btf.Struct{Name: "twice", Size: 4 + n*pick(1, 2)})
	}
	if next {
		b.Add(&btf.Struct{Name: "new", Size: 1})
	} else {
		b.Add(&btf.Struct{Name: "old", Size: 1, Union: true})
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestDiff(t *testing.T) {
	a, b := version(t, false), version(t, true)
	list, err := Diff(a, b, DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "diff.txt", AppendChanges(nil, list))
	if same, err := Diff(a, a, DiffOptions{}); len(same) != 0 || err != nil {
		t.Errorf("with itself: %v, %v", same, err)
	}
	back, err := Diff(b, a, DiffOptions{})
	if err != nil || len(back) != len(list) {
		t.Errorf("backwards: %d changes instead of %d, %v", len(back), len(list), err)
	}
}

// TestDiffNesting refuses types whose unnamed structs are nested deeper than is compared.
func TestDiffNesting(t *testing.T) {
	nested := func(levels int, deepest string) *btf.Types {
		var b btf.Builder
		typ := b.Add(&btf.Int{Name: deepest, Size: 4})
		for range levels {
			typ = b.Add(&btf.Struct{Size: 4, Members: []btf.Member{{Type: typ}}})
		}
		b.Add(&btf.Struct{Name: "outer", Size: 4, Members: []btf.Member{{Type: typ}}})
		types, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		return types
	}
	if got, err := Diff(nested(maxNesting-2, "int"), nested(maxNesting-2, "long"), DiffOptions{Roots: []string{"struct outer"}}); err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Diff(nested(maxNesting+2, "int"), nested(maxNesting+2, "long"), DiffOptions{}); !errors.Is(err, ErrLimit) {
		t.Errorf("nested too deep: %v, %v", got, err)
	}
}

func TestDiffRoots(t *testing.T) {
	a, b := version(t, false), version(t, true)
	list, err := Diff(a, b, DiffOptions{Roots: []string{"task"}})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, c := range list {
		types[c.Type] = true
	}
	if want := map[string]bool{"struct task": true, "struct held": true}; !cmp.Equal(types, want) {
		t.Errorf("compared %v", types)
	}
	want := []Change{{Action: Removed, Type: "union old", Part: "type", Old: "1 byte"}}
	if list, err = Diff(a, b, DiffOptions{Roots: []string{"old"}}); !cmp.Equal(list, want) {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := Diff(a, b, DiffOptions{Roots: []string{"nothing"}}); !errors.Is(err, btf.ErrNotFound) {
		t.Error(err)
	}
}

// TestDiffKernels compares kernels in which it is known what changed.
func TestDiffKernels(t *testing.T) {
	a, b := labtest.Types(t, "5.10"), labtest.Types(t, "6.12")
	list, err := Diff(a, b, DiffOptions{Roots: []string{"task_struct", "bpf_map_type"}})
	if err != nil {
		t.Fatal(err)
	}
	text := string(AppendChanges(nil, list))
	for _, want := range []string{
		"~ enum bpf_map_type\n", "    + value BPF_MAP_TYPE_BLOOM_FILTER: 30\n", "\n~ struct task_struct\n",
		"    - member state: volatile long int at ", "    + member __state: unsigned int at ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestJSONGolden(t *testing.T) {
	got, err := JSON(nil, fixture(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "kinds.json", got)
	got, err = JSON([]byte("x"), fixture(t), []btf.ID{2, 7})
	want := `x{"schema":"bpfhost.btf/v1","types":[
{"id":2,"kind":"INT","name":"int","size":4,"bits_offset":0,"nr_bits":32,"encoding":"SIGNED"},
{"id":7,"kind":"INT","name":"unsigned int","size":4,"bits_offset":0,"nr_bits":32,"encoding":"(none)"}
]}
`
	if string(got) != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := JSON(nil, fixture(t), []btf.ID{1 << 20}); !errors.Is(err, btf.ErrID) {
		t.Error(err)
	}
}

// largeValue finds values that the bpftool of 2022 writes wrong: it extends the sign of unsigned
// ones and cuts those of 64 bits. The golden file has such values.
var largeValue = regexp.MustCompile(`"val":(0|\d{10,})`)

// TestJSONBpftool compares with bpftool's own JSON, on types too large to be committed as well.
func TestJSONBpftool(t *testing.T) {
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, "bpftool: "+err.Error())
	}
	for _, file := range []string{"../testdata/kinds.btf", kernels(t)["here"]} {
		if file == "" {
			continue
		}
		got, err := JSON(nil, labtest.Open(t, file, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := exec.Command(bpftool, "-j", "btf", "dump", "file", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		got = bytes.Replace(got, []byte(`"schema":"bpfhost.btf/v1",`), nil, 1)
		got = bytes.TrimSpace(bytes.ReplaceAll(got, []byte("\n"), nil))
		want = bytes.TrimSpace(want)
		got, want = largeValue.ReplaceAll(got, []byte("large")), largeValue.ReplaceAll(want, []byte("large"))
		if !bytes.Equal(got, want) {
			split := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`{"id"`), []byte("\n")) }
			t.Errorf("%s: %s", file, firstDifference(split(got), split(want)))
		}
	}
}

func TestClosure(t *testing.T) {
	types := fixture(t)
	id, err := types.Find("map", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := Closure(types, []btf.ID{id})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, id := range ids {
		names = append(names, types.TypeName(id))
	}
	want := []string{"int (*)[2]", "int", "int[2]", "u32 *", "u32", "unsigned int", "struct task___local *", "struct task___local", "struct map"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}
