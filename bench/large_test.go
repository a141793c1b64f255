package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// asked are the kernel structs of the large object and the fields that its programs ask about. A
// "*" marks pointers.
var asked = []struct{ name, fields string }{
	{"task_struct", "pid tgid flags prio exit_code start_time nvcsw nivcsw"},
	{"sk_buff", "len data_len mac_len hash queue_mapping truesize end tail"},
	{"net_device", "ifindex mtu flags group num_tx_queues hard_header_len min_mtu max_mtu"},
	{"sock", "sk_rcvbuf sk_sndbuf sk_priority sk_mark sk_err sk_shutdown sk_type sk_protocol"},
	{"file", "f_flags f_mode f_pos f_iocb_flags *f_op *f_inode *f_mapping *f_cred"},
	{"inode", "i_ino i_size i_mode i_flags i_rdev i_blkbits i_generation *i_sb"},
	{"mm_struct", "total_vm locked_vm data_vm exec_vm stack_vm start_code end_code map_count"},
	{"super_block", "s_flags s_magic s_blocksize s_maxbytes s_dev s_blocksize_bits s_iflags s_time_gran"},
}

// largeSource is a C program of 64 programs with 1,536 CO-RE relocations, and 300 structs that only
// fill its types.
func largeSource() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("typedef unsigned long long u64;")
	p("#define SEC(n) __attribute__((section(n), used))")
	p(`char LICENSE[] SEC("license") = "GPL";`)
	for _, s := range asked {
		p("struct %s {", s.name)
		for _, f := range strings.Fields(s.fields) {
			if name, ok := strings.CutPrefix(f, "*"); ok {
				p("\tvoid *%s;", name)
			} else {
				p("\tu64 %s;", f)
			}
		}
		p("} __attribute__((preserve_access_index));")
	}
	for i := range 300 {
		p("struct filler_%d { u64 when_%d; unsigned low_%d:4, high_%d:28; struct filler_%d *next_%d; union { u64 word_%d; char text_%d[8]; }; };",
			i, i, i, i, i, i, i, i)
		p("enum choice_%d { CHOICE_%d_A, CHOICE_%d_B = %d };", i, i, i, i+7)
		p("struct filler_%d var_%d; enum choice_%d pick_%d;", i, i, i, i)
	}
	fields := func(i int) (string, []string) {
		s := asked[i%len(asked)]
		return s.name, strings.Fields(strings.ReplaceAll(s.fields, "*", ""))
	}
	for i := range len(asked) {
		name, f := fields(i)
		p("static __attribute__((noinline)) u64 shared_%d(u64 x) {\n\tstruct %s *s = 0;", i, name)
		for k, info := range []int{0, 1, 2, 4} {
			p("\tx += __builtin_preserve_field_info(s->%s, %d) * %d;", f[k], info, k+3)
		}
		p("\treturn x;\n}")
	}
	for i := range 64 {
		name, f := fields(i)
		p("SEC(\"socket\") int prog_%d(unsigned *ctx) {\n\tstruct %s *s = 0;\n\tu64 sum = *ctx;", i, name)
		for k := range f {
			p("\tif (__builtin_preserve_field_info(s->%s, 2)) sum += __builtin_preserve_field_info(s->%s, %d);", f[k], f[k], k%2)
		}
		p("\tsum += shared_%d(sum);\n\tsum += shared_%d(sum >> 3);", i%len(asked), (i+3)%len(asked))
		p("\tvar_%d.when_%d += sum;\n\treturn sum & 1;\n}", i, i)
	}
	return b.String()
}

// compile compiles C for BPF; nil without the compiler.
func compile(tb testing.TB, source string, flags ...string) []byte {
	tb.Helper()
	clang, err := exec.LookPath("clang-19")
	if err != nil && testenv.Required(testenv.Clang) {
		tb.Fatal(err)
	}
	if err != nil {
		tb.Log("clang-19 is missing: objects that it makes are left out")
		return nil
	}
	object := filepath.Join(tb.TempDir(), "object.o")
	args := append([]string{"-O2", "-g", "-target", "bpfel", "-mcpu=v3", "-x", "c", "-c", "-", "-o", object}, flags...)
	cmd := exec.Command(clang, args...)
	cmd.Stdin = strings.NewReader(source)
	if msg, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, msg)
	}
	b, err := os.ReadFile(object)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
