package testcase

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Whatever bytes a value has, it is written so that it is read as the same bytes.
func TestValueNode(t *testing.T) {
	f, err := load(t, "object: netwatch.bpf.o\ncases: [{program: netwatch}]")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for _, name := range []string{"config", "flow"} {
		id, err := f.Object.BTF.Find(name, btf.KindStruct)
		if err != nil {
			t.Fatal(err)
		}
		size, err := f.Object.BTF.Size(id)
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			b := make([]byte, size)
			for i := range b {
				if random.IntN(3) > 0 {
					b[i] = byte(random.Uint32())
				}
			}
			text, err := yaml.Marshal(f.values().of(id, size).node(b))
			if err != nil {
				t.Fatal(err)
			}
			var n yaml.Node
			if err := yaml.Unmarshal(text, &n); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			got, err := f.values().encode(n.Content[0], id, size)
			if err != nil {
				t.Fatalf("%x is %s: %v", b, text, err)
			}
			again, err := yaml.Marshal(f.values().of(id, size).node(got))
			if err != nil || !bytes.Equal(again, text) {
				t.Fatalf("%s %x: %s became %x: %s", name, b, text, got, again)
			}
			if diff, err := f.values().of(id, size).compare(n.Content[0], b); err != nil || len(diff) > 0 {
				t.Fatalf("%s: %v, %v", text, diff, err)
			}
		}
	}
}
