package bench

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/btf/render"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/internal/testenv"
	peer "github.com/cilium/ebpf/btf"
)

// vmlinuxBTF are the types of the running kernel.
const vmlinuxBTF = "/sys/kernel/btf/vmlinux"

// twenty are types that a tracing tool asks for.
var twenty = []string{
	"task_struct", "file", "inode", "super_block", "socket", "sock", "sk_buff", "net_device", "mm_struct", "cred",
	"nsproxy", "pid", "path", "dentry", "mount", "qstr", "linux_binprm", "net", "inet_sock", "tcp_sock",
}

var errEmpty = errors.New("nothing was found")

// btfTasks are the rows about types of the performance goals.
func btfTasks(tb testing.TB, l *libbpf) []Task {
	raw, err := os.ReadFile(vmlinuxBTF)
	if err != nil {
		testenv.Skip(tb, testenv.Kernel, err.Error())
	}
	ours, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	theirs, err := peer.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	tasks := append(openTasks(l, raw), lookTasks(l, raw, ours, theirs)...)
	tasks = append(tasks, writeTasks(tb, l, ours, theirs)...)
	return append(tasks, coreTasks(tb, l, ours, theirs)...)
}

// openTasks open the types of the kernel.
func openTasks(l *libbpf, raw []byte) []Task {
	return []Task{
		{"open vmlinux", 1, "call", Call(func() error {
			k := loader.NewKernel()
			defer k.Close()
			_, err := k.Types()
			return err
		}), peers(cilium(0.15, func() error {
			_, err := peer.LoadKernelSpec()
			return err
		}), l.peer(0.8, "open-kernel", ""))},
		{"open bytes", 1, "call", Call(func() error {
			_, err := btf.Parse(raw, btf.Options{})
			return err
		}), peers(cilium(0.3, func() error {
			_, err := peer.LoadSpecFromReader(bytes.NewReader(raw))
			return err
		}), l.peer(1, "open-types", vmlinuxBTF))},
		{"20 types cold", 1, "call", Call(func() error { return findOurs(raw) }), peers(
			cilium(0.25, func() error { return findPeer(raw) }),
			l.peer(0, "find-twenty", vmlinuxBTF))},
	}
}

// lookTasks look at types. libbpf does not make any: its types are the records.
func lookTasks(l *libbpf, raw []byte, ours *btf.Types, theirs *peer.Spec) []Task {
	var text []byte
	return []Task{
		{"find warm", 1, "call", Call(func() error {
			_, err := ours.Find("sk_buff", btf.KindStruct)
			return err
		}), peers(cilium(0.5, func() error {
			var s *peer.Struct
			return theirs.TypeByName("sk_buff", &s)
		}), l.peer(0.1, "find-warm", vmlinuxBTF))},
		{"visit all", 1, "call", Call(func() error { return visitOurs(raw) }), peers(
			cilium(0.1, func() error { return allPeer(raw) }),
			l.peer(0, "visit", vmlinuxBTF))},
		{"make all", 1, "call", Call(func() error { return allOurs(raw) }), peers(cilium(0.4, func() error { return allPeer(raw) }))},
		{"C header", 1, "call", Call(func() (err error) {
			text, err = render.Header(text[:0], ours, render.HeaderOptions{})
			return err
		}), peers(l.peer(2, "header", vmlinuxBTF))},
	}
}

func findOurs(raw []byte) error {
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		return err
	}
	for _, ids := range types.FindMany(twenty) {
		if _, err := types.Type(ids[0]); err != nil {
			return err
		}
	}
	return nil
}

func findPeer(raw []byte) error {
	spec, err := peer.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	for _, name := range twenty {
		var s *peer.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			return err
		}
	}
	return nil
}

// visitOurs looks at every type without making it.
func visitOurs(raw []byte) error {
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		return err
	}
	n := 0
	for _, kind := range types.Kinds() {
		n += int(kind)
	}
	if n == 0 {
		return errEmpty
	}
	return nil
}

func allOurs(raw []byte) error {
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		return err
	}
	n := 0
	for range types.All() {
		n++
	}
	if n < 1000 {
		return errEmpty
	}
	return nil
}

func allPeer(raw []byte) error {
	spec, err := peer.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	n := 0
	for _, err := range spec.All() {
		if err != nil {
			return err
		}
		n++
	}
	if n < 1000 {
		return errEmpty
	}
	return nil
}

// writeTasks write types: task_struct and all that it refers to, the whole table in several ways.
func writeTasks(tb testing.TB, l *libbpf, ours *btf.Types, theirs *peer.Spec) []Task {
	root, err := ours.Find("task_struct", btf.KindStruct)
	if err != nil {
		tb.Fatal(err)
	}
	var s *peer.Struct
	if err := theirs.TypeByName("task_struct", &s); err != nil {
		tb.Fatal(err)
	}
	return []Task{
		{"marshal task_struct", 1, "call", Call(func() error {
			var b btf.Builder
			b.AddTypes(ours, root)
			_, err := b.Bytes()
			return err
		}), peers(cilium(0.2, func() error { return marshalPeer([]peer.Type{s}, nil) }))},
		{"copy all", 1, "call", Call(func() error {
			var b btf.Builder
			b.AddAll(ours)
			_, err := b.Bytes()
			return err
		}), peers(l.peer(0.5, "copy", vmlinuxBTF))},
		{"dedup", 1, "call", Call(func() error {
			_, _, err := ours.Dedup()
			return err
		}), peers(cilium(0.7, func() error { return dedupPeer(theirs) }), l.peer(1, "dedup", vmlinuxBTF))},
		writeTask(tb, ours, theirs),
	}
}

// marshalPeer writes types with the peer.
func marshalPeer(types []peer.Type, o *peer.BuilderOptions) error {
	b, err := peer.NewBuilder(types, o)
	if err != nil {
		return err
	}
	_, err = b.Marshal(nil, nil)
	return err
}

// dedupPeer removes duplicates with the peer, which does so while it writes.
func dedupPeer(spec *peer.Spec) error {
	var types []peer.Type
	for typ, err := range spec.Copy().All() {
		if err != nil {
			return err
		}
		types = append(types, typ)
	}
	return marshalPeer(types, &peer.BuilderOptions{Deduplicate: true})
}

// writeTask writes all types, of which both sides have the values.
func writeTask(tb testing.TB, ours *btf.Types, theirs *peer.Spec) Task {
	var values []btf.Type
	for _, typ := range ours.All() {
		values = append(values, typ)
	}
	var peerValues []peer.Type
	for typ, err := range theirs.All() {
		if err != nil {
			tb.Fatal(err)
		}
		peerValues = append(peerValues, typ)
	}
	return Task{"build and write all", 1, "call", Call(func() error {
		var b btf.Builder
		for _, typ := range values {
			b.Add(typ)
		}
		_, err := b.Bytes()
		return err
	}), peers(cilium(0.5, func() error { return marshalPeer(peerValues, nil) }))}
}
