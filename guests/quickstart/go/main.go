//go:build wasip1

// Quickstart counts packets per protocol and shows a sample of them. It builds its program from
// nothing: a new object, three maps, and a program in assembly text whose sample rate it sets by
// patching one instruction. It shows object_new, add, insn_asm, insn_read, insn_splice, attach_add,
// source_open and map_get.
package main

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"strconv"

	sdk "github.com/bpfhost/bpfhost/guests/sdk/go"
)

//go:embed count.bpf.txt
var program string

func init() {
	sdk.Register(sdk.Plugin{Describe: describe, Plan: plan, Started: started, Events: events, Stop: stop})
}

func main() {}

func describe() error {
	return sdk.Describe(sdk.About{
		Name: "quickstart", Version: "1.0", Doc: "Counts packets per protocol on an interface and shows a sample of them.",
		Params: []sdk.ParamInfo{
			{Name: "iface", Required: true, Doc: "interface to count on"},
			{Name: "netns", Doc: "path of the network namespace of the interface"},
			{Name: "sample", Type: sdk.ParamU64, Default: "1", Doc: "show one in so many packets of a protocol"},
		},
		Requests: []string{
			"program xdp", "attach xdp:*", "map percpu_array", "map ringbuf", "map-rw packets",
			"helper bpf_map_lookup_elem", "helper bpf_ringbuf_reserve", "helper bpf_ringbuf_submit",
			"helper bpf_get_smp_processor_id",
		},
	})
}

func plan() error {
	obj, err := sdk.NewObject("quickstart")
	if err != nil {
		return err
	}
	if err := obj.SetLicense("Dual MIT/GPL"); err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		info sdk.MapInfo
	}{
		{"packets", sdk.MapInfo{Type: sdk.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 256}},
		{"account", sdk.MapInfo{Type: sdk.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 2}},
		{"samples", sdk.MapInfo{Type: sdk.MapRingbuf, MaxEntries: 64 << 10}},
	} {
		if _, err := obj.AddMap(m.name, m.info); err != nil {
			return err
		}
	}
	prog, err := obj.AddProgram("count", sdk.ProgXDP)
	if err != nil {
		return err
	}
	if _, err := prog.Asm(0, 0, program); err != nil {
		return err
	}
	if err := setSample(prog); err != nil {
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

const opMod = 0x97 // BPF_ALU64 | BPF_MOD | BPF_K

// setSample puts the sample rate into the one instruction that divides by it.
func setSample(prog sdk.Program) error {
	rate, err := sdk.ConfigUint("sample")
	if err != nil {
		return err
	}
	if rate == 0 || rate > 1<<31-1 {
		return errors.New("sample must be from 1 to 2147483647")
	}
	insns, err := prog.Insns()
	if err != nil {
		return err
	}
	for i, in := range insns {
		if in.Op == opMod {
			in.Imm = int64(rate)
			_, err := prog.Splice(uint32(i), 1, []sdk.Insn{in})
			return err
		}
	}
	return errors.New("the program has no place for the sample rate")
}

func started() error {
	_, err := sdk.OpenSource("samples", sdk.SourceOptions{SentMap: "account", SentKey: 0, LostMap: "account", LostKey: 1})
	return err
}

// out gathers the lines of a batch, so that they are written at once.
var out []byte

func events(b sdk.Batch) error {
	jsonl := jsonLines()
	out = out[:0]
	for e := range b.All {
		if e.Kind == sdk.EventData && len(e.Data) >= 24 {
			out = appendSample(out, e.Data, jsonl)
		}
	}
	_, err := sdk.StreamOut.Write(out)
	return err
}

// appendSample prints one sample: packet u64, source and destination in network byte order, length
// u16, protocol u8, and at 20 the CPU that counted it.
func appendSample(out, d []byte, jsonl bool) []byte {
	length, proto := binary.LittleEndian.Uint16(d[16:]), d[18]
	if jsonl {
		out = sdk.AppendJSON(append(out, `{"protocol":`...), protocol(proto))
		out = append(sdk.AppendIPv4(append(out, `,"source":"`...), d[8:]), '"')
		out = append(sdk.AppendIPv4(append(out, `,"dest":"`...), d[12:]), '"')
		out = strconv.AppendUint(append(out, `,"bytes":`...), uint64(length), 10)
		out = strconv.AppendUint(append(out, `,"packet":`...), binary.LittleEndian.Uint64(d), 10)
		out = strconv.AppendUint(append(out, `,"cpu":`...), uint64(binary.LittleEndian.Uint32(d[20:])), 10)
		return append(out, "}\n"...)
	}
	out = append(append(out, protocol(proto)...), ' ')
	out = append(sdk.AppendIPv4(out, d[8:]), " > "...)
	out = append(sdk.AppendIPv4(out, d[12:]), ' ')
	out = append(strconv.AppendUint(out, uint64(length), 10), " bytes, packet "...)
	out = append(strconv.AppendUint(out, binary.LittleEndian.Uint64(d), 10), " on cpu "...)
	return append(strconv.AppendUint(out, uint64(binary.LittleEndian.Uint32(d[20:])), 10), '\n')
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

// stop prints the totals, summed over the CPUs.
func stop(sdk.StopReason) error {
	m, err := sdk.OpenMap("packets")
	if err != nil {
		return err
	}
	size, err := m.ValueLen()
	if err != nil {
		return err
	}
	jsonl, values := jsonLines(), make([]byte, size)
	out = out[:0]
	for proto := range 256 {
		if _, err := m.Get(binary.LittleEndian.AppendUint32(nil, uint32(proto)), values); err != nil {
			return err
		}
		sum := uint64(0)
		for v := values; len(v) >= 8; v = v[8:] {
			sum += binary.LittleEndian.Uint64(v)
		}
		if sum > 0 {
			out = appendTotal(out, byte(proto), sum, jsonl)
		}
	}
	_, err = sdk.StreamOut.Write(out)
	return err
}

func appendTotal(out []byte, proto byte, sum uint64, jsonl bool) []byte {
	if jsonl {
		out = sdk.AppendJSON(append(out, `{"protocol":`...), protocol(proto))
		return append(strconv.AppendUint(append(out, `,"packets":`...), sum, 10), "}\n"...)
	}
	out = append(append(out, protocol(proto)...), ": "...)
	return append(strconv.AppendUint(out, sum, 10), " packets\n"...)
}
