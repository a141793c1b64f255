package bench

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// The numbers of things in the large object: more than in most that are written by hand.
const (
	bigPrograms = 64
	bigMaps     = 32
	bigStructs  = 300
	bigReads    = 24 // CO-RE relocations of a program
)

// bigSource is C for an object with many programs that share functions and maps, read the kernel's
// structs by CO-RE, and have a lot of types.
func bigSource() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("#include \"bpf.h\"\nchar _license[] SEC(\"license\") = \"GPL\";")
	line("static void *(*lookup)(void *, const void *) = (void *)1;")
	for i := range bigStructs {
		line("struct detail%d { u32 id; u64 when; u8 name[%d]; struct { u16 low, high; } range; struct detail%d *next; };", i, i%13+1, max(i-1, 0))
	}
	kernel := []string{"task_struct", "sk_buff", "net_device", "sock", "file", "inode", "mm_struct", "super_block"}
	for _, name := range kernel {
		line("struct %s { int a, b, c, d; u64 e, f, g, h; } __core;", name)
	}
	for i := range bigMaps {
		line("struct { __uint(type, %s); __uint(max_entries, %d); __type(key, u32); __type(value, struct detail%d); } map%d SEC(\".maps\");",
			[]string{"HASH", "ARRAY"}[i%2], 64+i, i*9%bigStructs, i)
	}
	line("const volatile u32 wanted = 7; u64 seen[16]; u32 limit = 100;")
	for i := range 8 {
		line("__noinline int note%d(u32 key, u64 v)\n{\n\tstruct detail%d *d = lookup(&map%d, &key);\n\tif (d) {\n\t\td->when += v;\n\t\td->id ^= wanted;\n\t}\n\treturn v > limit;\n}", i, i*2*9%bigStructs, i*2)
	}
	for i := range bigPrograms {
		k := kernel[i%len(kernel)]
		line("SEC(\"tp_btf/event%d\")\nint prog%d(u64 *ctx)\n{\n\tstruct %s *p = (void *)ctx[0];\n\tu64 sum = ctx[1];\n\tu32 key = %d;", i, i, k, i)
		for r := range bigReads {
			line("\tsum += p->%c;\n\tif (sum > %d)\n\t\tseen[%d] += sum ^ key;", 'a'+rune((r+i)%8), r*1000, r%16)
		}
		line("\tstruct detail%d *d = lookup(&map%d, &key);\n\tif (d)\n\t\td->id = sum;\n\treturn note%d(key, sum) + note%d(key, sum >> 1);\n}", i%bigMaps*9%bigStructs, i%bigMaps, i%8, (i+3)%8)
	}
	return b.Bytes()
}

// bigObject compiles the large object; nil says that there is no compiler.
func bigObject(tb testing.TB) []byte {
	tb.Helper()
	return compile(tb, string(bigSource()), "-I", "../core/elf/testdata")
}

// TestBig holds that the object is as large as it should be.
func TestBig(t *testing.T) {
	b := bigObject(t)
	if b == nil {
		testenv.Skip(t, testenv.Clang, "clang-19 is not installed")
	}
	if len(b) < 300<<10 {
		t.Errorf("%d bytes", len(b))
	}
	t.Logf("%d bytes", len(b))
}
