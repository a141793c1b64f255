package elf_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/google/go-cmp/cmp"
)

var write = flag.Bool("write", false, "write golden files")

// TestObjects compares all that is read from the objects of clang with golden text.
func TestObjects(t *testing.T) {
	for _, name := range elftest.Objects(t, "testdata") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, c, name)
			if err := c.Check(); err != nil {
				t.Errorf("check: %v", err)
			}
			for _, p := range c.Programs {
				code, err := p.Resolve()
				if err != nil {
					t.Errorf("program %s: %v", p.Name, err)
				}
				for i := range code {
					if code[i].Ref != asm.RefLabel {
						code[i].ClearRef()
					}
				}
				if _, err := asm.AppendEncode(nil, code, asm.EncodeOptions{Order: c.Order}); err != nil {
					t.Errorf("program %s: encode: %v", p.Name, err)
				}
			}
		})
	}
}

// checkGolden compares what was read from an object with the text beside it.
func checkGolden(t *testing.T, c *spec.Collection, object string) {
	t.Helper()
	got, path := c.String(), strings.TrimSuffix(object, ".o")+".txt"
	if *write {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(elftest.ReadFile(t, path)), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// TestLenientObjects compares what is read from objects that libbpf refuses, why it does, and what is
// left to check.
func TestLenientObjects(t *testing.T) {
	for _, tt := range []struct {
		name, strict string
		check        []string
	}{
		{"static", `tc+0x0: function "lonely" of a section of programs is static`, nil},
		{"values", `map "pinned": pinning 16 is neither 0`, []string{`program "in_text", does not exist`, "pinning 16 is unknown"}},
	} {
		name := "testdata/lenient/" + tt.name + "-el.o"
		c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{Lenient: true})
		if err != nil {
			t.Fatal(err)
		}
		checkGolden(t, c, name)
		list := c.CheckAll()
		for i, e := range list {
			if i >= len(tt.check) || !strings.Contains(e.Error(), tt.check[i]) {
				t.Errorf("%s: check: %v", tt.name, e)
			}
		}
		if len(list) != len(tt.check) {
			t.Errorf("%s: %d errors of check, want %d", tt.name, len(list), len(tt.check))
		}
		if _, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{}); err == nil || !strings.Contains(err.Error(), tt.strict) {
			t.Errorf("%s, strict: got %v, want %q", tt.name, err, tt.strict)
		}
	}
}

// TestByteOrders reads one source built for both byte orders: only the bytes of data differ.
func TestByteOrders(t *testing.T) {
	el, err := elf.LoadBytes(elftest.ReadFile(t, "testdata/basic-el.o"), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	eb, err := elf.LoadBytes(elftest.ReadFile(t, "testdata/basic-eb.o"), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range spec.Diff(el, eb) {
		got = append(got, c.Kind.String()+" "+c.Name)
	}
	if want := []string{"collection "}; !cmp.Equal(got, want) {
		t.Errorf("differences in %q, want %q", got, want)
	}
}

// plainReader hides the size of what it reads.
type plainReader struct{ r io.ReaderAt }

func (p plainReader) ReadAt(b []byte, off int64) (int, error) { return p.r.ReadAt(b, off) }

// endless is a file that begins like an object and never ends.
type endless struct{ head []byte }

func (e endless) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off < int64(len(e.head)) {
		copy(b, e.head[off:])
	}
	return len(b), nil
}

// failing is a file that cannot be read.
type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestLoadReaders(t *testing.T) {
	b := elftest.ReadFile(t, "testdata/basic-el.o")
	want, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []io.ReaderAt{bytes.NewReader(b), plainReader{bytes.NewReader(b)}, io.NewSectionReader(bytes.NewReader(append([]byte("xyz"), b...)), 3, int64(len(b)))} {
		c, err := elf.Load(r, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c.String() != want.String() {
			t.Errorf("%T gave another collection", r)
		}
	}
	if _, err := elf.Load(endless{b}, elf.Options{MaxFile: 1 << 20}); err == nil || !strings.Contains(err.Error(), "larger than the limit of 1048576") {
		t.Errorf("endless file: %v", err)
	}
	broken := errors.New("is a directory")
	if _, err := elf.Load(failing{broken}, elf.Options{}); !errors.Is(err, broken) {
		t.Errorf("unreadable file: %v", err)
	}
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := elf.Load(f, elf.Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
}

func TestLoadKeepsNothing(t *testing.T) {
	b := elftest.ReadFile(t, "testdata/basic-el.o")
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := c.String()
	for i := range b {
		b[i] = 0xff
	}
	if c.String() != want {
		t.Error("the collection changed with the input")
	}
}

func TestOptionsLimits(t *testing.T) {
	b := elftest.ReadFile(t, "testdata/basic-el.o")
	for _, tt := range []struct {
		o      elf.Options
		option string
		max    uint64
		want   string
	}{
		{elf.Options{MaxFile: 100}, "MaxFile", 100, "larger than the limit of 100"},
		{elf.Options{MaxData: 20}, "MaxData", 20, "are more than the limit of 20 for all sections"},
		{elf.Options{MaxInsns: 80}, "MaxInsns", 80, "have more than 80 instructions"},
	} {
		_, err := elf.LoadBytes(b, tt.o)
		var limit *elf.LimitError
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasSuffix(err.Error(), " (elf.Options."+tt.option+")") ||
			!errors.As(err, &limit) || limit.Option != tt.option || limit.Max != tt.max {
			t.Errorf("%+v: got %v, want %q", tt.o, err, tt.want)
		}
	}
	var limit *elf.LimitError
	if _, err := elf.Load(bytes.NewReader(b), elf.Options{MaxFile: 100}); !errors.As(err, &limit) || limit.Option != "MaxFile" {
		t.Errorf("from a reader: %v", err)
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, name := range elftest.Objects(b, "testdata") {
		data := elftest.ReadFile(b, name)
		b.Run(filepath.Base(name), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := elf.LoadBytes(data, elf.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkClone(b *testing.B) {
	c, err := elf.LoadBytes(elftest.ReadFile(b, "testdata/basic-el.o"), elf.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Clone()
	}
}

// TestLoadCheck ends the reading of objects wherever it is.
func TestLoadCheck(t *testing.T) {
	ended := errors.New("enough")
	for _, name := range []string{"basic", "core", "ops"} {
		b := elftest.ReadFile(t, "testdata/"+name+"-el.o")
		all := 0
		if _, err := elf.LoadBytes(b, elf.Options{Check: func() error { all++; return nil }}); err != nil || all < 8 {
			t.Fatalf("%s: %v; it asked %d times", name, err, all)
		}
		for after := range all {
			calls := 0
			c, err := elf.LoadBytes(b, elf.Options{Check: func() error {
				if calls++; calls > after {
					return ended
				}
				return nil
			}})
			if !errors.Is(err, ended) || c != nil || calls != after+1 {
				t.Errorf("%s, after %d calls: %v, %d calls", name, after, err, calls)
			}
		}
	}
}
