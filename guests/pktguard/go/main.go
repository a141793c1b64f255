//go:build wasip1

// Pktguard patches an XDP program that clang has built: it sets the configuration in .rodata,
// resizes the block list, splices in code that lets one protocol pass unjudged, fills the block
// list after load, and prints what is dropped. It shows object_open, var_set_path, set_u,
// insn_read, insn_asm, plan_note and map_put.
package main

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	sdk "github.com/bpfhost/bpfhost/guests/sdk/go"
)

func init() {
	sdk.Register(sdk.Plugin{Describe: describe, Configure: configure, Plan: plan, Loaded: loaded,
		Started: started, Events: events, Stop: stop})
}

func main() {}

func describe() error {
	return sdk.Describe(sdk.About{
		Name: "pktguard", Version: "1.0", Doc: "Drops packets from blocked addresses and reports each drop.",
		Params: []sdk.ParamInfo{
			{Name: "iface", Required: true, Doc: "interface to guard"},
			{Name: "netns", Doc: "path of the network namespace of the interface"},
			{Name: "block", Doc: "IPv4 addresses to block, separated by commas"},
			{Name: "capacity", Type: sdk.ParamU64, Default: "1024", Doc: "most addresses that the block list can hold"},
			{Name: "skip", Type: sdk.ParamU64, Doc: "number of an IP protocol that always passes"},
			{Name: "sample", Type: sdk.ParamU64, Default: "1", Doc: "report one in so many drops; 0 reports none"},
			{Name: "min_len", Type: sdk.ParamU64, Default: "0", Doc: "drop packets shorter than this many bytes"},
			{Name: "fragments", Type: sdk.ParamBool, Default: "false", Doc: "drop fragments"},
			{Name: "dry_run", Type: sdk.ParamBool, Default: "false", Doc: "report and count, but drop nothing"},
		},
		Requests: []string{
			"program xdp", "attach xdp:*", "object edit",
			"map hash", "map percpu_array", "map ringbuf", "map array", "map-rw blocked", "map-rw verdicts",
			"helper bpf_map_lookup_elem", "helper bpf_ringbuf_*", "helper bpf_ktime_get_ns", "helper bpf_get_prandom_u32",
		},
	})
}

// blocked are the addresses to block, in network byte order.
var blocked [][4]byte

func configure() error {
	list, _ := sdk.Config("block")
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		addr, ok := parseIPv4(text)
		if !ok {
			return errors.New("block: " + text + " is not an IPv4 address")
		}
		blocked = append(blocked, addr)
	}
	return nil
}

func parseIPv4(text string) (addr [4]byte, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return addr, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return addr, false
		}
		addr[i] = byte(n)
	}
	return addr, true
}

func plan() error {
	obj, err := sdk.OpenObject("")
	if err != nil {
		return err
	}
	if err := setConfig(obj); err != nil {
		return err
	}
	if err := resize(obj); err != nil {
		return err
	}
	prog, err := obj.Program("pktguard")
	if err != nil {
		return err
	}
	if err := skipProtocol(prog); err != nil {
		return err
	}
	iface, _ := sdk.Config("iface")
	at, err := prog.Attach(sdk.AttachXDP, iface)
	if err != nil {
		return err
	}
	if netns, ok := sdk.Config("netns"); ok {
		return at.SetNetns(netns)
	}
	return nil
}

// setConfig writes the program's configuration by the names of its fields.
func setConfig(obj sdk.Object) error {
	for _, f := range []struct{ param, path string }{{"sample", "cfg.sample"}, {"min_len", "cfg.min_len"}} {
		v, err := sdk.ConfigUint(f.param)
		if err != nil {
			return err
		}
		if err := obj.Set(f.path, v); err != nil {
			return err
		}
	}
	for _, f := range []struct{ param, path string }{{"fragments", "cfg.drop_fragments"}, {"dry_run", "cfg.dry_run"}} {
		v := uint64(0)
		if sdk.ConfigBool(f.param) {
			v = 1
		}
		if err := obj.Set(f.path, v); err != nil {
			return err
		}
	}
	return nil
}

func resize(obj sdk.Object) error {
	capacity, err := sdk.ConfigUint("capacity")
	if err != nil {
		return err
	}
	if capacity < uint64(len(blocked)) {
		return errors.New("block: more addresses than the capacity of " + strconv.FormatUint(capacity, 10))
	}
	m, err := obj.Map("blocked")
	if err != nil {
		return err
	}
	return m.SetMaxEntries(capacity)
}

// skipProtocol puts code before the call that judges a packet. Its argument in r1 is the address of
// the IPv4 header; r2 is free there. Jumps of the program across this place still land where they
// did.
func skipProtocol(prog sdk.Program) error {
	text, ok := sdk.Config("skip")
	if !ok {
		return nil
	}
	if n, err := strconv.ParseUint(text, 10, 8); err != nil || n == 0 {
		return errors.New("skip: " + text + " is not the number of an IP protocol")
	}
	at, err := callOf(prog, "judge")
	if err != nil {
		return err
	}
	if _, err := prog.Asm(at, 0, skipBegin+text+skipEnd); err != nil {
		return err
	}
	return sdk.Note(sdk.Handle(prog), sdk.NoteInfo, "packets of IP protocol "+text+" pass unjudged")
}

const skipBegin = `
	r2 = *(u8 *)(r1 + 9)            ; protocol
	if r2 != `

const skipEnd = ` goto judge_it
	r0 = 2                          ; XDP_PASS
	exit
judge_it:
	r2 = 0
`

// callOf finds the call of a function.
func callOf(prog sdk.Program, name string) (uint32, error) {
	sym, err := sdk.Sym(name)
	if err != nil {
		return 0, err
	}
	insns, err := prog.Insns()
	if err != nil {
		return 0, err
	}
	for i, in := range insns {
		if in.RefKind == uint16(sdk.RefFunc) && in.Ref == sym {
			return uint32(i), nil
		}
	}
	return 0, errors.New("the program has no call of " + name)
}

func loaded() error {
	m, err := sdk.OpenMap("blocked")
	if err != nil {
		return err
	}
	for _, addr := range blocked {
		if err := m.Put(addr[:], make([]byte, 8), sdk.PutAny); err != nil {
			return err
		}
	}
	return nil
}

func started() error {
	_, err := sdk.OpenSource("drops", sdk.SourceOptions{SentMap: "account", SentKey: 0, LostMap: "account", LostKey: 1})
	return err
}

// out gathers the lines of a batch, so that they are written at once.
var out []byte

func events(b sdk.Batch) error {
	jsonl := jsonLines()
	out = out[:0]
	for e := range b.All {
		if e.Kind == sdk.EventData && len(e.Data) >= 24 {
			out = appendDrop(out, e.Data, jsonl)
		}
	}
	_, err := sdk.StreamOut.Write(out)
	return err
}

var reasons = []string{"passed", "blocked", "fragment", "short"}

// appendDrop prints struct drop of pktguard.bpf.c.
func appendDrop(out, d []byte, jsonl bool) []byte {
	reason, length := "unknown", binary.LittleEndian.Uint16(d[20:])
	if r := binary.LittleEndian.Uint32(d[16:]); int(r) < len(reasons) {
		reason = reasons[r]
	}
	action := "dropped"
	if d[23] != 0 {
		action = "would drop"
	}
	if jsonl {
		out = sdk.AppendJSON(append(out, `{"action":`...), action)
		out = sdk.AppendJSON(append(out, `,"protocol":`...), protocol(d[22]))
		out = append(sdk.AppendIPv4(append(out, `,"source":"`...), d[8:]), '"')
		out = append(sdk.AppendIPv4(append(out, `,"dest":"`...), d[12:]), '"')
		out = strconv.AppendUint(append(out, `,"bytes":`...), uint64(length), 10)
		return append(sdk.AppendJSON(append(out, `,"reason":`...), reason), "}\n"...)
	}
	out = append(append(append(append(out, action...), ' '), protocol(d[22])...), ' ')
	out = append(sdk.AppendIPv4(out, d[8:]), " > "...)
	out = append(sdk.AppendIPv4(out, d[12:]), ' ')
	out = append(strconv.AppendUint(out, uint64(length), 10), " bytes: "...)
	return append(append(out, reason...), '\n')
}

// jsonLines reports whether the operator wants output as JSON lines.
func jsonLines() bool {
	v, _ := sdk.Config("output")
	return v == "jsonl"
}

func protocol(n byte) string {
	switch n {
	case 1:
		return "icmp"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	}
	return "protocol-" + strconv.Itoa(int(n))
}

// stop prints how many packets each verdict met, summed over the CPUs.
func stop(sdk.StopReason) error {
	m, err := sdk.OpenMap("verdicts")
	if err != nil {
		return err
	}
	size, err := m.ValueLen()
	if err != nil {
		return err
	}
	jsonl, values := jsonLines(), make([]byte, size)
	out = out[:0]
	for i, name := range reasons {
		if _, err := m.Get(binary.LittleEndian.AppendUint32(nil, uint32(i)), values); err != nil {
			return err
		}
		sum := uint64(0)
		for v := values; len(v) >= 8; v = v[8:] {
			sum += binary.LittleEndian.Uint64(v)
		}
		out = appendTotal(out, name, sum, jsonl)
	}
	_, err = sdk.StreamOut.Write(out)
	return err
}

func appendTotal(out []byte, name string, sum uint64, jsonl bool) []byte {
	if jsonl {
		out = sdk.AppendJSON(append(out, `{"verdict":`...), name)
		return append(strconv.AppendUint(append(out, `,"packets":`...), sum, 10), "}\n"...)
	}
	out = append(append(out, name...), ": "...)
	return append(strconv.AppendUint(out, sum, 10), " packets\n"...)
}
