package btf

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write golden files")

// TestTextGolden writes every type of the fixture: name, size, alignment and definition.
func TestTextGolden(t *testing.T) {
	types := fixture(t)
	var b bytes.Buffer
	for id := ID(1); int(id) < types.Len(); id++ {
		fmt.Fprintf(&b, "%d %v: %s", id, types.Kind(id), types.TypeName(id))
		if n, err := types.Size(id); err == nil && types.Kind(id) != KindDatasec {
			align, err := types.Align(id)
			fmt.Fprintf(&b, ", %d bytes aligned to %d", n, align)
			if err != nil {
				t.Error(err)
			}
		}
		fmt.Fprintf(&b, "\n%s", types.AppendC(nil, id))
	}
	const golden = "testdata/kinds.golden"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	compareLines(t, b.Bytes(), fixtureBytes(t, "kinds.golden"))
}

// TestTextBounded writes anonymous structs that hold two of the next kind each: 2^64 lines if nobody counts.
func TestTextBounded(t *testing.T) {
	var b Builder
	in := b.Add(&Int{Name: "int", Size: 4})
	for range 64 {
		in = b.Add(&Struct{Union: true, Size: 4, Members: []Member{{Type: in}, {Type: in}}})
	}
	text := build(t, &b).AppendC(nil, in)
	if len(text) > 1<<20 || !bytes.HasSuffix(text, []byte("};\n")) || !bytes.Contains(text, []byte("...")) {
		t.Errorf("%d bytes that end in %q", len(text), text[max(0, len(text)-20):])
	}
}
