package bench

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
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
		tb.Skip(err)
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

// corePairs compute the relocations of an object, one by one as a load of one program would, and each alone.
func corePairs(tb testing.TB, kernel *btf.Types, theirs *peer.Spec) []Pair {
	const object = "../guests/execwatch/execwatch.bpf.o"
	b, err := os.ReadFile(object)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	spec, infos, err := peer.LoadSpecAndExtInfosFromReader(bytes.NewReader(b))
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
	var ours []btf.CoreRelo
	var peers []*peer.CORERelocation
	for _, s := range ext.Sections {
		for _, r := range s.Relos {
			ours = append(ours, r.CoreRelo)
		}
		_, _, relos := infos.Section(s.Name)
		for _, r := range relos {
			peers = append(peers, r.Relo)
		}
	}
	if len(ours) == 0 || len(ours) != len(peers) {
		tb.Fatalf("%d and %d relocations", len(ours), len(peers))
	}
	targets := []btf.Target{{Name: "vmlinux", Types: kernel}}
	warm := btf.NewResolver(local, targets...)
	n := 0
	return []Pair{
		{"CO-RE of an object", len(ours), "relo", 0.3, func() error {
			r := btf.NewResolver(local, targets...)
			for _, relo := range ours {
				if _, err := r.Resolve(relo); err != nil {
					return err
				}
			}
			return nil
		}, func() error {
			_, err := peer.CORERelocate(peers, []*peer.Spec{theirs}, binary.LittleEndian, spec.TypeID)
			return err
		}},
		{"CO-RE one, again", 1, "relo", 0.3, func() error {
			n++
			_, err := warm.Resolve(ours[n%len(ours)])
			return err
		}, func() error {
			n++
			_, err := peer.CORERelocate(peers[n%len(peers):][:1], []*peer.Spec{theirs}, binary.LittleEndian, spec.TypeID)
			return err
		}},
	}
}
