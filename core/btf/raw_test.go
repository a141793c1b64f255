package btf

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// rawDump writes types in the layout of "bpftool btf dump file".
func rawDump(t testing.TB, types *Types) []byte {
	t.Helper()
	var b bytes.Buffer
	n := types.First()
	for id, typ := range types.All() {
		if id != n {
			t.Errorf("All gives type %d after %d", id, n-1)
		}
		n++
		fmt.Fprintf(&b, "[%d] %s '%s'", id, strings.ToUpper(typ.Kind().String()), anon(types.Name(id)))
		rawType(&b, types, typ)
	}
	if int(n) != types.Len() {
		t.Errorf("All ends before type %d of %d", n, types.Len())
	}
	return b.Bytes()
}

func anon(name string) string {
	if name == "" {
		return "(anon)"
	}
	return name
}

var rawLinkage = map[Linkage]string{LinkStatic: "static", LinkGlobal: "global", LinkExtern: "extern"}

func rawType(b *bytes.Buffer, types *Types, typ Type) {
	switch typ := typ.(type) {
	case *Int:
		enc := map[IntEncoding]string{0: "(none)", IntSigned: "SIGNED", IntChar: "CHAR", IntBool: "BOOL"}[typ.Encoding]
		fmt.Fprintf(b, " size=%d bits_offset=%d nr_bits=%d encoding=%s\n", typ.Size, typ.Offset, typ.Bits, enc)
	case *Pointer:
		fmt.Fprintf(b, " type_id=%d\n", typ.Type)
	case *Const:
		fmt.Fprintf(b, " type_id=%d\n", typ.Type)
	case *Volatile:
		fmt.Fprintf(b, " type_id=%d\n", typ.Type)
	case *Restrict:
		fmt.Fprintf(b, " type_id=%d\n", typ.Type)
	case *Typedef:
		fmt.Fprintf(b, " type_id=%d\n", typ.Type)
	case *TypeTag:
		fmt.Fprintf(b, " type_id=%d\n", typ.Type)
	case *Array:
		fmt.Fprintf(b, " type_id=%d index_type_id=%d nr_elems=%d\n", typ.Type, typ.Index, typ.Count)
	case *Struct:
		fmt.Fprintf(b, " size=%d vlen=%d\n", typ.Size, len(typ.Members))
		for _, m := range typ.Members {
			fmt.Fprintf(b, "\t'%s' type_id=%d bits_offset=%d", anon(m.Name), m.Type, m.Offset)
			if m.BitSize > 0 {
				fmt.Fprintf(b, " bitfield_size=%d", m.BitSize)
			}
			b.WriteByte('\n')
		}
	case *Enum:
		rawEnum(b, typ)
	case *Fwd:
		fmt.Fprintf(b, " fwd_kind=%s\n", map[bool]string{false: "struct", true: "union"}[typ.Union])
	case *Function:
		fmt.Fprintf(b, " type_id=%d linkage=%s\n", typ.Type, rawLinkage[typ.Linkage])
	case *FuncProto:
		fmt.Fprintf(b, " ret_type_id=%d vlen=%d\n", typ.Return, len(typ.Params))
		for _, p := range typ.Params {
			fmt.Fprintf(b, "\t'%s' type_id=%d\n", anon(p.Name), p.Type)
		}
	case *Var:
		fmt.Fprintf(b, " type_id=%d, linkage=%s\n", typ.Type, rawLinkage[typ.Linkage])
	case *Datasec:
		fmt.Fprintf(b, " size=%d vlen=%d\n", typ.Size, len(typ.Vars))
		for _, v := range typ.Vars {
			fmt.Fprintf(b, "\ttype_id=%d offset=%d size=%d (%s '%s')\n", v.Type, v.Offset, v.Size,
				strings.ToUpper(types.Kind(v.Type).String()), types.Name(v.Type))
		}
	case *Float:
		fmt.Fprintf(b, " size=%d\n", typ.Size)
	case *DeclTag:
		fmt.Fprintf(b, " type_id=%d component_idx=%d\n", typ.Type, typ.Component)
	default:
		fmt.Fprintf(b, " %T\n", typ)
	}
}

func rawEnum(b *bytes.Buffer, e *Enum) {
	enc, suffix := "UNSIGNED", ""
	if e.Signed {
		enc = "SIGNED"
	}
	if e.Wide {
		if suffix = "ULL"; e.Signed {
			suffix = "LL"
		}
	}
	fmt.Fprintf(b, " encoding=%s size=%d vlen=%d\n", enc, e.Size, len(e.Values))
	for _, v := range e.Values {
		if e.Signed {
			fmt.Fprintf(b, "\t'%s' val=%d%s\n", v.Name, int64(v.Value), suffix)
		} else {
			fmt.Fprintf(b, "\t'%s' val=%d%s\n", v.Name, v.Value, suffix)
		}
	}
}

func TestRawFixture(t *testing.T) {
	compareLines(t, rawDump(t, fixture(t)), fixtureBytes(t, "kinds.txt"))
}

// TestRawBpftool asks bpftool for a second opinion on what is too large or too new to be committed.
func TestRawBpftool(t *testing.T) {
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		t.Skip("needs bpftool: " + err.Error())
	}
	blob, err := fixture(t).Fixup(FixupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fixed := filepath.Join(t.TempDir(), "fixed.btf")
	if err := os.WriteFile(fixed, blob, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{fixed, vmlinuxPath} {
		raw, err := os.ReadFile(file)
		if err != nil {
			testenv.Skip(t, testenv.Kernel, err.Error())
		}
		want, err := exec.Command(bpftool, "btf", "dump", "file", file).Output()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		types, err := Parse(raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		compareLines(t, rawDump(t, types), want)
	}
}

// compareLines names the first line that differs.
func compareLines(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Errorf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%d lines, want %d", len(g), len(w))
}
