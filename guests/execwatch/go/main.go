//go:build wasip1

// Execwatch prints one line of JSON for every program that is started, optionally only below one
// parent process or in one cgroup. It patches a raw tracepoint program that clang has built and
// that reads the kernel's task_struct by CO-RE: two constants in .rodata are its filter. It shows
// object_open, find, var_write.
package main

import (
	"encoding/binary"
	"strconv"

	sdk "github.com/bpfhost/bpfhost/guests/sdk/go"
)

func init() {
	sdk.Register(sdk.Plugin{Describe: describe, Plan: plan, Started: started, Events: events})
}

func main() {}

func describe() error {
	return sdk.Describe(sdk.About{
		Name: "execwatch", Version: "1.0", Doc: "Prints every program that is started.",
		Params: []sdk.ParamInfo{
			{Name: "parent", Type: sdk.ParamU64, Default: "0", Doc: "only children of this process; 0 is all"},
			{Name: "cgroup", Type: sdk.ParamU64, Default: "0", Doc: "only processes of the cgroup with this id; 0 is all"},
		},
		Requests: []string{
			"program raw_tracepoint", "attach raw_tracepoint:sched_process_exec", "object edit",
			"map array", "map percpu_array", "map ringbuf",
			"helper bpf_map_lookup_elem", "helper bpf_ringbuf_*", "helper bpf_ktime_get_ns", "helper bpf_get_current_*",
			"helper bpf_probe_read_kernel", "helper bpf_probe_read_kernel_str",
		},
	})
}

func plan() error {
	obj, err := sdk.OpenObject("")
	if err != nil {
		return err
	}
	for _, f := range []struct{ param, variable string }{{"parent", "only_parent"}, {"cgroup", "only_cgroup"}} {
		v, err := sdk.ConfigUint(f.param)
		if err != nil {
			return err
		}
		constant, err := obj.Var(f.variable)
		if err != nil {
			return err
		}
		if err := constant.SetUint(v); err != nil {
			return err
		}
	}
	prog, err := obj.Program("execwatch")
	if err != nil {
		return err
	}
	_, err = prog.Attach(sdk.AttachRawTracepoint, "sched_process_exec")
	return err
}

func started() error {
	_, err := sdk.OpenSource("events", sdk.SourceOptions{SentMap: "account", SentKey: 0, LostMap: "account", LostKey: 1})
	return err
}

// eventSize is the size of struct event of execwatch.bpf.c.
const eventSize = 176

// out gathers the lines of a batch, so that they are written at once.
var out []byte

func events(b sdk.Batch) error {
	out = out[:0]
	for e := range b.All {
		if e.Kind == sdk.EventData && len(e.Data) >= eventSize {
			out = appendEvent(out, e.Data)
		}
	}
	_, err := sdk.StreamOut.Write(out)
	return err
}

func appendEvent(out, d []byte) []byte {
	out = strconv.AppendUint(append(out, `{"time":`...), binary.LittleEndian.Uint64(d), 10)
	out = strconv.AppendUint(append(out, `,"pid":`...), uint64(binary.LittleEndian.Uint32(d[16:])), 10)
	out = strconv.AppendUint(append(out, `,"ppid":`...), uint64(binary.LittleEndian.Uint32(d[20:])), 10)
	out = strconv.AppendUint(append(out, `,"uid":`...), uint64(binary.LittleEndian.Uint32(d[24:])), 10)
	out = strconv.AppendUint(append(out, `,"cgroup":`...), binary.LittleEndian.Uint64(d[8:]), 10)
	out = sdk.AppendJSON(append(out, `,"comm":`...), sdk.CString(d[28:44]))
	out = sdk.AppendJSON(append(out, `,"parent":`...), sdk.CString(d[44:60]))
	out = sdk.AppendJSON(append(out, `,"file":`...), sdk.CString(d[60:eventSize]))
	return append(out, "}\n"...)
}
