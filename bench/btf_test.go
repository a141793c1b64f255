package bench

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
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

// btfPairs are the rows about types of the performance goals.
func btfPairs(tb testing.TB) []Pair {
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
	return append([]Pair{
		{"open vmlinux", 1, "call", 0.15, func() error {
			k := loader.NewKernel()
			defer k.Close()
			_, err := k.Types()
			return err
		}, func() error {
			_, err := peer.LoadKernelSpec()
			return err
		}},
		{"open bytes", 1, "call", 0.3, func() error {
			_, err := btf.Parse(raw, btf.Options{})
			return err
		}, func() error {
			_, err := peer.LoadSpecFromReader(bytes.NewReader(raw))
			return err
		}},
		{"20 types cold", 1, "call", 0.25, func() error { return findOurs(raw) }, func() error { return findPeer(raw) }},
		{"find warm", 1, "call", 0.5, func() error {
			_, err := ours.Find("sk_buff", btf.KindStruct)
			return err
		}, func() error {
			var s *peer.Struct
			return theirs.TypeByName("sk_buff", &s)
		}},
		{"visit all", 1, "call", 0.1, func() error { return visitOurs(raw) }, func() error { return allPeer(raw) }},
		{"make all", 1, "call", 0.4, func() error { return allOurs(raw) }, func() error { return allPeer(raw) }},
		marshalPair(tb, ours, theirs),
		{"dedup", 1, "call", 0.7, func() error {
			_, _, err := ours.Dedup()
			return err
		}, func() error { return dedupPeer(theirs) }},
		writePair(tb, ours, theirs),
	}, corePairs(tb, ours, theirs)...)
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

// marshalPair writes task_struct and all that it refers to.
func marshalPair(tb testing.TB, ours *btf.Types, theirs *peer.Spec) Pair {
	root, err := ours.Find("task_struct", btf.KindStruct)
	if err != nil {
		tb.Fatal(err)
	}
	var s *peer.Struct
	if err := theirs.TypeByName("task_struct", &s); err != nil {
		tb.Fatal(err)
	}
	return Pair{"marshal task_struct", 1, "call", 0.2, func() error {
		var b btf.Builder
		b.AddTypes(ours, root)
		_, err := b.Bytes()
		return err
	}, func() error {
		b, err := peer.NewBuilder([]peer.Type{s}, nil)
		if err != nil {
			return err
		}
		_, err = b.Marshal(nil, nil)
		return err
	}}
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
	b, err := peer.NewBuilder(types, &peer.BuilderOptions{Deduplicate: true})
	if err != nil {
		return err
	}
	_, err = b.Marshal(nil, nil)
	return err
}

// writePair writes all types, of which both sides have the values.
func writePair(tb testing.TB, ours *btf.Types, theirs *peer.Spec) Pair {
	var values []btf.Type
	for _, typ := range ours.All() {
		values = append(values, typ)
	}
	var peers []peer.Type
	for typ, err := range theirs.All() {
		if err != nil {
			tb.Fatal(err)
		}
		peers = append(peers, typ)
	}
	return Pair{"build and write all", 1, "call", 0.5, func() error {
		var b btf.Builder
		for _, typ := range values {
			b.Add(typ)
		}
		_, err := b.Bytes()
		return err
	}, func() error {
		b, err := peer.NewBuilder(peers, nil)
		if err != nil {
			return err
		}
		_, err = b.Marshal(nil, nil)
		return err
	}}
}
