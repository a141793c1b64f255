package testcase

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/pcap"
)

// frame is UDP from 192.0.2.1 to 192.0.2.2, port 53.
const frame = "ffffffffffff 020000000001 0800 4500001c 00000000 40110000 c0000201 c0000202 1000003500080000"

// load reads a file of cases, with the objects of the guests beside it.
func load(t testing.TB, text string) (*File, error) {
	t.Helper()
	return Load("dir/cases.yaml", func(name string) ([]byte, error) {
		switch base := path.Base(name); {
		case name == "dir/cases.yaml":
			return []byte(text), nil
		case name == "dir/"+base && strings.HasSuffix(base, ".bpf.o"):
			guest, _, _ := strings.Cut(base, ".")
			return os.ReadFile("../../guests/" + guest + "/" + base)
		case name == "dir/two.pcap":
			return capture(t), nil
		}
		return nil, fs.ErrNotExist
	})
}

// capture has two packets: zeros, and ones.
func capture(t testing.TB) []byte {
	t.Helper()
	var b strings.Builder
	w := pcap.NewWriter(&b)
	for _, c := range []byte{0, 1} {
		w.Write(pcap.Packet{Data: bytes.Repeat([]byte{c}, 60), Length: 60})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// What is wrong with a file is said with its place.
func TestLoadErrors(t *testing.T) {
	one := func(rest string) string {
		return "object: netwatch.bpf.o\ncases:\n  - program: netwatch\n    " + rest + "\n"
	}
	for _, tt := range []struct{ text, want string }{
		{"", "dir/cases.yaml: it has no cases"},
		{"[", "dir/cases.yaml:1:1: did not find expected node content"},
		{"- a", "1:1: a mapping is wanted here"},
		{"cases: []", "1:1: the key object is missing"},
		{"object: netwatch.bpf.o", "1:1: the key cases is missing"},
		{"object: none.o\ncases: []", "1:9: file does not exist"},
		{"object: [a]", "1:9: a text is wanted here"},
		{"object: netwatch.bpf.o\ncase: []", `2:1: there is no key "case", did you mean "cases"?`},
		{"object: netwatch.bpf.o\nobject: x", `2:1: the key "object" is there twice`},
		{"object: netwatch.bpf.o\ncases:\n  - name: x", `3:5: the key program is missing, there is "netwatch" and "optional"`},
		{"object: netwatch.bpf.o\ncases:\n  - program: netwtach", `3:14: the object has no program "netwtach", did you mean "netwatch"?`},
		{"object: netwatch.bpf.o\ntypes: {packets: struct x}\ncases: [{program: netwatch}]", "2:18: the object's BTF has no struct x"},
		{"object: netwatch.bpf.o\ntypes: {pakets: struct packet}\ncases: [{program: netwatch}]", `2:9: the object has no map "pakets", did you mean "packets"?`},
		{one("{}"), "4:1: could not find expected ':'"},
		{one("set: {cfg.limt: 1}"), `4:11: cfg has no limt, did you mean "cfg.limit" or "cfg.limits"?`},
		{one("set: {cfg.delta: 40000}"), "4:11: 40000 does not fit cfg.delta (__s16)"},
		{one("set: {cfg: {limit: 1}}"), "4:16: a variable is set to one value"},
		{one("packet: 0g"), `4:13: "0g" is not bytes in hexadecimal`},
		{one("packet: [1]"), "4:13: a mapping is wanted here"},
		{one("packet: {number: 1}"), "4:13: the key pcap is missing"},
		{one("packet: {pcap: two.pcap, number: 0}"), `4:38: "0" is not the number of a packet, from 1`},
		{one("packet: {pcap: two.pcap, number: 3}"), "4:13: two.pcap has 2 packets; there is no packet 3"},
		{one("packet: {pcap: netwatch.bpf.o}"), "4:13: read netwatch.bpf.o: "},
		{one("maps: {sorces: []}"), `4:12: the object has no map "sorces", did you mean "sources"?`},
		{one("maps: {packets: []}"), "4:12: the entries of a ringbuf are no data"},
		{one("maps: {sources: {}}"), "4:21: it is a list of entries"},
		{one("maps: {sources: [{key: 1}]}"), "4:22: the value of the entry is missing"},
		{one("maps: {sources: [{key: 1.2.3, value: 1}]}"), `4:28: "1.2.3" is not a number`},
		{one("maps: {sources: [{key: 1.2.3.4, value: -1}]}"), "4:44: -1 does not fit value (__u64)"},
		{one("process: {pid: x}"), `4:20: "x" is not a number of 32 bits`},
		{one("want: {return: XDP_DORP}"), `4:20: programs of type xdp return no "XDP_DORP", did you mean "XDP_DROP"?`},
		{one("want: {return: 4294967296}"), "4:20: \"4294967296\" is not a number of 32 bits"},
		{one("want: {events: {sources: []}}"), `4:21: map "sources" is a hash, not a ring buffer`},
		{one("want: {vars: {reportd: 1}}"), `4:19: the object has no variable "reportd", did you mean "reported"?`},
		{one("want: {vars: {cfg: {limt: 1}}}"), `4:25: const volatile struct config has no member "limt", did you mean "limit" or "limits"?`},
		{one("want: {vars: {cfg: {limits: [{}, {}, {}, {}]}}}"), "4:33: limits (struct {...}[3]) has 3 elements, 4 are given"},
		{one("want: {vars: {cfg: {tag: much too long}}}"), "4:30: the text has 13 bytes, more than tag (char[8])"},
		{one("want: {vars: {cfg: \"00\"}}"), "takes 56 bytes in hexadecimal, not 1"},
		{"object: netwatch.bpf.o\ncases:\n  - {name: a, program: netwatch}\n  - {name: a, program: netwatch}", `4:5: another case is called "a" too`},
	} {
		_, err := load(t, tt.text)
		var e *Error
		if err == nil || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q:\n%v, want %s", tt.text, err, tt.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"object: netwatch.bpf.o\ncases:\n  - {program: netwatch, packet: " + frame + ", want: {return: XDP_PASS, events: {packets: [{flow: {port: 53}}]}}}",
		"object: pktguard.bpf.o\ncases:\n  - {maps: {blocked: [{key: 192.0.2.1, value: 1}]}, want: {maps: {blocked: [{key: 192.0.2.1, value: null}]}}}",
		"object: execwatch.bpf.o\ntypes: {events: struct task_struct}\ncases: [{context: 00, process: {pid: 1, comm: x}}]",
		"object: &a netwatch.bpf.o\ncases: *a", "a: &a [*a, *a]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		file, err := load(t, s)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q: %q", s, err)
			}
			return
		}
		for _, c := range file.Cases {
			file.Run(c, Machine{})
		}
		_, _ = file.Update(Machine{})
	})
}
