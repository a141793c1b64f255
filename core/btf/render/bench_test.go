package render

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// Benchmarks of formats write the types of the running kernel, opened anew each time as by a
// command that ends with it.

// kernelBytes returns the types of the running kernel.
func kernelBytes(b *testing.B) []byte {
	raw, err := os.ReadFile(vmlinuxPath)
	if err != nil {
		testenv.Skip(b, testenv.Kernel, err.Error())
	}
	return raw
}

// benchmark measures something that writes types into dst.
func benchmark(b *testing.B, write func(dst []byte, t *btf.Types) ([]byte, error)) {
	raw := kernelBytes(b)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		t, err := btf.Parse(raw, btf.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if dst, err = write(dst[:0], t); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkHeader(b *testing.B) {
	benchmark(b, func(dst []byte, t *btf.Types) ([]byte, error) { return Header(dst, t, HeaderOptions{}) })
}

func BenchmarkGo(b *testing.B) {
	benchmark(b, func(dst []byte, t *btf.Types) ([]byte, error) { return Go(dst, t, GoOptions{}) })
}

func BenchmarkJSON(b *testing.B) {
	benchmark(b, func(dst []byte, t *btf.Types) ([]byte, error) { return JSON(dst, t, nil) })
}

func BenchmarkRaw(b *testing.B) {
	benchmark(b, func(dst []byte, t *btf.Types) ([]byte, error) {
		var err error
		for id := range t.Kinds() {
			if dst, err = t.AppendRaw(dst, id); err != nil {
				break
			}
		}
		return dst, err
	})
}

func BenchmarkHeaderRoot(b *testing.B) {
	types := vmlinux(b)
	id, err := types.Find("sk_buff", btf.KindStruct)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Header(nil, types, HeaderOptions{Roots: []btf.ID{id}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValue(b *testing.B) {
	types, id := valueTypes(b, binary.LittleEndian)
	d := valueData(binary.LittleEndian)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = Value(out[:0], types, id, d, ValueOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValueTask(b *testing.B) {
	types := vmlinux(b)
	id, err := types.Find("task_struct", btf.KindStruct)
	if err != nil {
		b.Fatal(err)
	}
	size, _ := types.Size(id)
	d := []byte(strings.Repeat("\x01\x00\x00\x00", int(size/4)))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if out, err = Value(out[:0], types, id, d, ValueOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDiffKernel(b *testing.B) {
	x, y := vmlinux(b), vmlinux(b)
	b.ReportAllocs()
	for b.Loop() {
		if list, err := Diff(x, y, DiffOptions{}); err != nil || len(list) > 0 {
			b.Fatal(list, err)
		}
	}
}
