package render

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/lab/labtest"
)

// tagged are functions of which programs may call two: by_id and fast. The base has another one.
func tagged(t *testing.T) *btf.Types {
	t.Helper()
	base := btf.Builder{}
	number := base.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	void := base.Add(&btf.FuncProto{})
	f := base.Add(&btf.Func{Name: "of_base", Type: void})
	base.Add(&btf.DeclTag{Tag: "bpf_kfunc", Type: f, Component: -1})
	below, err := base.Types()
	if err != nil {
		t.Fatal(err)
	}
	b := btf.Builder{Base: below}
	s := b.Add(&btf.Struct{Name: "key", Size: 4, Members: []btf.Member{{Name: "n", Type: number}}})
	proto := b.Add(&btf.FuncProto{Return: number, Params: []btf.Param{{Name: "k", Type: b.Add(&btf.Pointer{Type: s})}}})
	addTagged(&b, "by_id", proto, []btf.DeclTag{{Tag: "bpf_kfunc", Component: -1}})
	addTagged(&b, "fast", proto, []btf.DeclTag{{Tag: "bpf_fastcall", Component: -1}, {Tag: "bpf_kfunc", Component: -1}})
	addTagged(&b, "parameter", proto, []btf.DeclTag{{Tag: "bpf_kfunc", Component: 0}})
	addTagged(&b, "other", proto, []btf.DeclTag{{Tag: "kfunc", Component: -1}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func addTagged(b *btf.Builder, name string, proto btf.ID, tags []btf.DeclTag) {
	f := b.Add(&btf.Func{Name: name, Type: proto})
	for i := range tags {
		tags[i].Type = f
		b.Add(&tags[i])
	}
}

func TestKfunc(t *testing.T) {
	types := tagged(t)
	const (
		byID = "extern int by_id(struct key *) __weak __ksym;\n"
		fast = "extern int fast(struct key *) __weak __ksym __bpf_fastcall;\n"
		end  = "#endif\n\n"
	)
	if got, want := string(header2(t, types, HeaderOptions{})), framed("struct key {\n\tint n;\n};\n\n"+kfuncTop+byID+fast+end); got != want {
		t.Errorf("all:\n%s", got)
	}
	for root, want := range map[string]string{
		"fast":      "struct key;\n\n" + kfuncTop + fast + end,
		"parameter": "struct key;\n\nextern int parameter(struct key *);\n\n",
		"of_base":   kfuncTop + "extern void of_base(void) __weak __ksym;\n" + end,
	} {
		id, err := types.Find(root, btf.KindFunc)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(header2(t, types, HeaderOptions{Roots: []btf.ID{id}})); got != framed(want) {
			t.Errorf("%s:\n%s", root, got)
		}
	}
}

// TestKfuncCompile calls a kernel function as it is declared, together with the headers of libbpf,
// which declare some too.
func TestKfuncCompile(t *testing.T) {
	for name, file := range kernels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := string(header2(t, labtest.Open(t, file, nil), HeaderOptions{}))
			if !strings.Contains(got, "BPF_NO_KFUNC_PROTOTYPES") {
				if older := name == "5.10" || name == "6.1"; !older {
					t.Error("the header has no kernel functions")
				}
				return
			}
			const program = `
#include <bpf/bpf_helpers.h>
SEC("tc") int count(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *n, sum = 0;

	bpf_iter_num_new(&it, 0, 3);
	while ((n = bpf_iter_num_next(&it)))
		sum += *n;
	bpf_iter_num_destroy(&it);
	return sum;
}
`
			dir := t.TempDir()
			compile(t, dir, write(t, dir, "x.c", []byte(got+program)), "-O2", "-g")
			compile(t, dir, write(t, dir, "y.c", []byte("#define BPF_NO_KFUNC_PROTOTYPES\nextern int bpf_iter_num_new(void);\n"+got)), "-fsyntax-only")
		})
	}
}
