package bench

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
	peer "github.com/cilium/ebpf/btf"
)

// relocations are the CO-RE relocations of one object as both libraries read them.
type relocations struct {
	local *btf.Types
	spec  *peer.Spec
	ours  []btf.CoreRelo
	peers []*peer.CORERelocation
}

// readRelocations reads the CO-RE relocations of an object, section by section.
func readRelocations(tb testing.TB, object []byte) relocations {
	tb.Helper()
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	spec, infos, err := peer.LoadSpecAndExtInfosFromReader(bytes.NewReader(object))
	if err != nil {
		tb.Fatal(err)
	}
	types, err := f.Section(".BTF").Data()
	if err != nil {
		tb.Fatal(err)
	}
	local, err := btf.Parse(types, btf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	exts, err := f.Section(".BTF.ext").Data()
	if err != nil {
		tb.Fatal(err)
	}
	ext, err := btf.ParseExt(exts, local)
	if err != nil {
		tb.Fatal(err)
	}
	r := relocations{local: local, spec: spec}
	for _, s := range ext.Sections {
		for _, relo := range s.Relos {
			r.ours = append(r.ours, relo.CoreRelo)
		}
		_, _, relos := infos.Section(s.Name)
		for _, relo := range relos {
			r.peers = append(r.peers, relo.Relo)
		}
	}
	if len(r.ours) == 0 || len(r.ours) != len(r.peers) {
		tb.Fatalf("%d and %d relocations", len(r.ours), len(r.peers))
	}
	return r
}

// resolve computes all relocations with a new resolver, as a load does.
func (r relocations) resolve(kernel *btf.Types) error {
	resolver := btf.NewResolver(r.local, btf.Target{Name: "vmlinux", Types: kernel})
	resolver.Prepare(r.ours)
	for _, relo := range r.ours {
		if _, err := resolver.Resolve(relo); err != nil {
			return err
		}
	}
	return nil
}

// resolvePeer is resolve for the peer.
func (r relocations) resolvePeer(kernel *peer.Spec) error {
	_, err := peer.CORERelocate(r.peers, []*peer.Spec{kernel}, binary.LittleEndian, r.spec.TypeID)
	return err
}

// one returns a task for the nth relocation alone, of which nothing is remembered.
func (r relocations) one(name string, n int, goal float64, kernel *btf.Types, theirs *peer.Spec) Task {
	target := []btf.Target{{Name: "vmlinux", Types: kernel}}
	alone := relocations{spec: r.spec, peers: r.peers[n : n+1]}
	return Task{name, 1, "relo", Call(func() error {
		_, err := btf.Resolve(r.local, r.ours[n], target...)
		return err
	}), peers(cilium(goal, func() error { return alone.resolvePeer(theirs) }))}
}

// smallObject is a small object with relocations.
const smallObject = "../guests/execwatch/execwatch.bpf.o"

func readObject(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// coreTasks compute the relocations of a small and of a large object, and some of them alone.
func coreTasks(tb testing.TB, l *libbpf, kernel *btf.Types, theirs *peer.Spec) []Task {
	small := readRelocations(tb, readObject(tb, smallObject))
	warm, n := btf.NewResolver(small.local, btf.Target{Name: "vmlinux", Types: kernel}), 0
	tasks := []Task{
		{"CO-RE of an object", len(small.ours), "relo", Call(func() error { return small.resolve(kernel) }), peers(
			cilium(0.3, func() error { return small.resolvePeer(theirs) }),
			l.peer(0.05, "core-warm", smallObject))},
		{"CO-RE one, again", 1, "relo", Call(func() error {
			n++
			_, err := warm.Resolve(small.ours[n%len(small.ours)])
			return err
		}), peers(cilium(0.3, func() error {
			n++
			again := relocations{spec: small.spec, peers: small.peers[n%len(small.peers):][:1]}
			return again.resolvePeer(theirs)
		}))},
	}
	object := compile(tb, oneSource)
	if object == nil {
		return tasks
	}
	each := readRelocations(tb, object)
	if len(each.ours) != 3 {
		tb.Fatalf("%d relocations", len(each.ours))
	}
	for i, what := range []struct {
		name string
		kind btf.CoreKind
		goal float64
	}{{"CO-RE one field", btf.CoreByteOffset, 0.3}, {"CO-RE one type", btf.CoreTypeSize, 0.4}, {"CO-RE one enum", btf.CoreEnumvalValue, 0.4}} {
		if each.ours[i].Kind != what.kind {
			tb.Fatalf("relocation %d is %v", i, each.ours[i].Kind)
		}
		tasks = append(tasks, each.one(what.name, i, what.goal, kernel, theirs))
	}
	return append(tasks, largeTasks(tb, l, kernel, theirs)...)
}

// oneSource has a relocation of a field, one of a type and one of an enumerator.
const oneSource = `
struct sk_buff { unsigned len; } __attribute__((preserve_access_index));
enum bpf_prog_type { BPF_PROG_TYPE_XDP = 6 };
unsigned long long f(struct sk_buff *skb) {
	return skb->len + __builtin_preserve_type_info(*(struct sk_buff *)0, 1) +
		__builtin_preserve_enum_value(*(enum bpf_prog_type *)BPF_PROG_TYPE_XDP, 1);
}`

// readLarge returns the relocations of the large object, those of a function that several programs
// call once for each of them, as they are computed for a load.
func readLarge(tb testing.TB, object []byte) relocations {
	r := readRelocations(tb, object)
	const shared = 4 * 8
	if len(r.ours) != 64*16+shared {
		tb.Fatalf("%d relocations", len(r.ours))
	}
	at := 0 // of those in the section of shared functions
	for i := range r.ours {
		if r.ours[i].Kind == btf.CoreSigned {
			at = i - 3
			break
		}
	}
	ours, peers := r.ours[at:at+shared], r.peers[at:at+shared]
	for range 15 {
		r.ours, r.peers = append(r.ours, ours...), append(r.peers, peers...)
	}
	return r
}

// largeTasks compute the relocations of the large object with types of the kernel that were just
// opened, and with such as were used before. libbpf, which computes those of shared functions once,
// remembers nothing between objects.
func largeTasks(tb testing.TB, l *libbpf, kernel *btf.Types, theirs *peer.Spec) []Task {
	object := compile(tb, largeSource())
	r, input := readLarge(tb, object), file(tb, object)
	return []Task{
		{"CO-RE large, cold", len(r.ours), "relo", Call(func() error {
			k := loader.NewKernel()
			defer k.Close()
			types, err := k.Types()
			if err != nil {
				return err
			}
			return r.resolve(types)
		}), peers(cilium(0.25, func() error {
			types, err := peer.LoadKernelSpec()
			if err != nil {
				return err
			}
			return r.resolvePeer(types)
		}), l.peer(0.5, "core-cold", input))},
		{"CO-RE large, warm", len(r.ours), "relo", Call(func() error { return r.resolve(kernel) }), peers(
			cilium(0.4, func() error { return r.resolvePeer(theirs) }),
			l.peer(0.05, "core-warm", input))},
	}
}
