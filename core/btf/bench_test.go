package btf

import "testing"

// The rows of these benchmarks are those of docs: open the types of a kernel, find 20 of them in a table
// that was just opened, find one warm, visit all, build all, and compute one CO-RE relocation.

// twenty are names that programs ask for.
var twenty = []string{
	"task_struct", "sk_buff", "list_head", "file", "inode", "dentry", "path", "mm_struct", "vm_area_struct", "sock",
	"net_device", "cred", "cgroup", "super_block", "bpf_prog", "bpf_map", "pt_regs", "nsproxy", "iphdr", "tcphdr",
}

func BenchmarkOpenKernel(b *testing.B) {
	raw := vmlinuxBytes(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenAndFind20(b *testing.B) {
	raw := vmlinuxBytes(b)
	b.ReportAllocs()
	for b.Loop() {
		types, _ := Parse(raw, Options{})
		found := types.FindMany(twenty)
		for _, name := range twenty {
			if _, err := types.Type(found[name][0]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOpenAndFindOne(b *testing.B) {
	raw := vmlinuxBytes(b)
	b.ReportAllocs()
	for b.Loop() {
		types, _ := Parse(raw, Options{})
		id := find(b, types, "sk_buff", KindStruct)
		if _, err := types.Type(id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNameIndex(b *testing.B) {
	types := vmlinux(b)
	b.ReportAllocs()
	for b.Loop() {
		types.buildIndex()
	}
}

func BenchmarkFindWarm(b *testing.B) {
	types := vmlinux(b)
	for range 2 * fewFinds {
		find(b, types, "sk_buff", KindStruct)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := types.Find("sk_buff", KindStruct); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindMiss(b *testing.B) {
	types := vmlinux(b)
	for range 2 * fewFinds {
		types.FindAll("no_such_type")
	}
	b.ReportAllocs()
	for b.Loop() {
		if types.FindAll("no_such_type") != nil {
			b.Fatal("found")
		}
	}
}

// BenchmarkVisitAll looks at kind, name and references of every type without building it.
func BenchmarkVisitAll(b *testing.B) {
	types := vmlinux(b)
	b.ReportAllocs()
	for b.Loop() {
		refs := 0
		types.headers(func(id ID, off, name, _ uint32) bool {
			refs += int(name)
			return true
		})
	}
}

// BenchmarkBuildAll makes a value of every type.
func BenchmarkBuildAll(b *testing.B) {
	raw := vmlinuxBytes(b)
	b.ReportAllocs()
	for b.Loop() {
		types, _ := Parse(raw, Options{})
		n := 0
		for range types.All() {
			n++
		}
		if n < 1000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkValidateKernel(b *testing.B) {
	raw := vmlinuxBytes(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		types, _ := Parse(raw, Options{})
		if err := types.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

// relocation is a program's own idea of task_struct, and a field of it.
func relocation(b *testing.B) (*Types, CoreRelo) {
	s := newScalars(nil)
	id := s.Add(&Struct{Name: "task_struct", Size: 16, Members: []Member{{Name: "pid", Type: s.int}, {Name: "tgid", Type: s.int, Offset: 64}}})
	return build(b, &s.Builder), CoreRelo{Type: id, Access: "0:1", Kind: CoreByteOffset}
}

func BenchmarkResolveCold(b *testing.B) {
	raw := vmlinuxBytes(b)
	local, relo := relocation(b)
	b.ReportAllocs()
	for b.Loop() {
		types, _ := Parse(raw, Options{})
		if f, err := Resolve(local, relo, Target{"vmlinux", types}); err != nil || f.Poison {
			b.Fatal(f, err)
		}
	}
}

func BenchmarkResolveWarm(b *testing.B) {
	types := vmlinux(b)
	local, relo := relocation(b)
	r := NewResolver(local, Target{"vmlinux", types})
	r.Prepare([]CoreRelo{relo})
	types.ready()
	b.ReportAllocs()
	for b.Loop() {
		r.cached, r.few = nil, 0
		if f, err := r.Resolve(relo); err != nil || f.Poison {
			b.Fatal(f, err)
		}
	}
}

func BenchmarkForKernel(b *testing.B) {
	types := fixture(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := types.ForKernel(KernelOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkResolveAlone computes a relocation of which nothing is remembered but by the target.
func BenchmarkResolveAlone(b *testing.B) {
	types := vmlinux(b)
	local, relo := relocation(b)
	types.ready()
	b.ReportAllocs()
	for b.Loop() {
		if f, err := Resolve(local, relo, Target{"vmlinux", types}); err != nil || f.Poison {
			b.Fatal(f, err)
		}
	}
}
