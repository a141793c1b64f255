package abi

import "slices"

// enums are the sets of numbers, our own first. A new value gets its row here and a number that was
// never used; go generate then makes the constants.
var enums = slices.Concat(ownEnums, kernelEnums)

var ownEnums = []Enum{
	{Name: "errno", Go: "Err", C: "E", Type: "Errno", Doc: "Why a call failed; a result of -code.", Values: []Value{
		{Name: "inval", Num: 1, Doc: "an argument is not allowed"},
		{Name: "fault", Num: 2, Doc: "a pointer and length are not in the guest's memory"},
		{Name: "badh", Num: 3, Doc: "no such handle, or it is stale"},
		{Name: "kind", Num: 4, Doc: "a handle of another kind is needed"},
		{Name: "noent", Num: 5, Doc: "there is no such thing"},
		{Name: "exist", Num: 6, Doc: "the name is taken"},
		{Name: "perm", Num: 7, Doc: "policy does not grant it, or it can only be read"},
		{Name: "phase", Num: 8, Doc: "not callable in this phase"},
		{Name: "nosup", Num: 9, Doc: "this host or kernel does not have it"},
		{Name: "limit", Num: 10, Doc: "a limit of the host is reached"},
		{Name: "toobig", Num: 11, Doc: "a record has a tail that this host does not know"},
		{Name: "range", Num: 12, Doc: "a number is out of its range"},
		{Name: "state", Num: 13, Doc: "not possible in the state that the thing is in"},
		{Name: "verifier", Num: 14, Doc: "the kernel's verifier refused the program"},
		{Name: "kernel", Num: 15, Doc: "the kernel refused; see err_info.sys"},
		{Name: "btf", Num: 16, Doc: "type information is missing or does not fit"},
		{Name: "relo", Num: 17, Doc: "a relocation cannot be resolved"},
		{Name: "again", Num: 18, Doc: "not now; try later"},
		{Name: "canceled", Num: 19, Doc: "the run is ending"},
		{Name: "io", Num: 20, Doc: "reading or writing failed"},
		{Name: "internal", Num: 21, Doc: "a fault of the host"},
	}},
	{Name: "kind", Go: "Kind", C: "K", Type: "Kind", Doc: "What a handle names; five bits of it.", Values: []Value{
		{Name: "plugin", Num: 1, Doc: "the plugin"},
		{Name: "object", Num: 2, Doc: "collection of programs, maps and variables"},
		{Name: "program", Num: 3, Doc: "spec of a program"},
		{Name: "map", Num: 4, Doc: "spec of a map"},
		{Name: "var", Num: 5, Doc: "global variable"},
		{Name: "attach", Num: 6, Doc: "planned attachment"},
		{Name: "param", Num: 7, Doc: "declared parameter"},
		{Name: "request", Num: 8, Doc: "declared request"},
		{Name: "live_map", Num: 9, Doc: "loaded map"},
		{Name: "source", Num: 10, Doc: "event source"},
		{Name: "section", Num: 11, Doc: "declared section name"},
	}},
	{Name: "phase", Go: "Phase", C: "PHASE", Type: "Phase", Bits: true, Doc: "Where in its life an instance is.", Values: []Value{
		{Name: "init", Num: 1, Doc: "_initialize and bpfhost_abi"},
		{Name: "describe", Num: 2, Doc: "bpfhost_describe"},
		{Name: "configure", Num: 4, Doc: "bpfhost_configure"},
		{Name: "plan", Num: 8, Doc: "bpfhost_plan: no kernel"},
		{Name: "loaded", Num: 16, Doc: "bpfhost_loaded: maps exist, nothing attached"},
		{Name: "run", Num: 32, Doc: "bpfhost_started, bpfhost_events, bpfhost_tick"},
		{Name: "stop", Num: 64, Doc: "bpfhost_stop"},
	}},
	{Name: "feature", Go: "Feature", C: "FEATURE", Doc: "Bases of feature ids; a property's number is its own feature id.", Values: []Value{
		{Name: "attach", Num: 0x10000, Doc: "plus an attach kind"},
		{Name: "source", Num: 0x20000, Doc: "plus a map type that source_open takes"},
	}},
	{Name: "log_level", Go: "Log", C: "LOG", Type: "LogLevel", Doc: "How much a log line matters.", Values: []Value{
		{Name: "debug", Num: 0, Doc: "for developers of the plugin"},
		{Name: "info", Num: 1, Doc: "normal course of things"},
		{Name: "warn", Num: 2, Doc: "something the operator should know"},
		{Name: "error", Num: 3, Doc: "something failed"},
	}},
	{Name: "severity", Go: "Note", C: "NOTE", Type: "Severity", Doc: "How much a remark in a plan matters.", Values: []Value{
		{Name: "info", Num: 0, Doc: "good to know"},
		{Name: "warn", Num: 1, Doc: "worth a second look"},
	}},
	{Name: "clock", Go: "Clock", C: "CLOCK", Doc: "Clocks.", Values: []Value{
		{Name: "monotonic", Num: 0, Doc: "as bpf_ktime_get_ns counts"},
		{Name: "realtime", Num: 1, Doc: "since 1970, UTC"},
	}},
	{Name: "attach_kind", Go: "Attach", C: "ATTACH", Type: "AttachKind", Doc: "Families of hooks.", Values: []Value{
		{Name: "xdp", Num: 1, Doc: "target: interface"},
		{Name: "tcx", Num: 2, Doc: "target: interface; the direction is the program's attach type"},
		{Name: "cgroup", Num: 3, Doc: "target: cgroup path; the hook is the program's attach type"},
		{Name: "tracepoint", Num: 4, Doc: "target: category/name"},
		{Name: "raw_tracepoint", Num: 5, Doc: "target: name"},
		{Name: "tracing", Num: 6, Doc: "tp_btf, fentry, fexit, fmod_ret, LSM; the target is the program's attach_to"},
		{Name: "netns", Num: 8, Doc: "sk_lookup, flow_dissector; target: path of the namespace"},
		{Name: "socket", Num: 10, Doc: "target: interface, whose packets a packet socket of the host gets in both directions"},
	}},
	{Name: "ref_kind", Go: "Ref", C: "REF", Type: "RefKind", Doc: "What an instruction refers to.", Values: []Value{
		{Name: "none", Num: 0, Doc: "nothing"},
		{Name: "label", Num: 1, Doc: "a position in the same program: jump, local call, address of a local function"},
		{Name: "func", Num: 2, Doc: "a function of the same program, by name"},
		{Name: "map", Num: 3, Doc: "a map"},
		{Name: "map_value", Num: 4, Doc: "the first value of a map, plus imm bytes"},
		{Name: "var", Num: 5, Doc: "a global variable, plus imm bytes"},
		{Name: "kfunc", Num: 6, Doc: "a kernel function that is called"},
		{Name: "ksym", Num: 7, Doc: "address of a kernel symbol"},
		{Name: "table", Num: 8, Doc: "address of a jump table of the same program"},
	}},
	{Name: "insn_flags", Go: "Insn", C: "INSN", Bits: true, Doc: "Flags of an instruction.", Values: []Value{
		{Name: "raw", Num: 1, Doc: "kept exactly as it was read, never interpreted"},
	}},
	{Name: "label", Go: "Label", C: "LABEL", Doc: "Labels.", Values: []Value{
		{Name: "local", Num: 0x80000000, Doc: "labels from here on are local to one insn_splice"},
	}},
	{Name: "pinning", Go: "Pin", C: "PIN", Type: "Pinning", Doc: "Whether a map is shared through the file system.", Values: []Value{
		{Name: "none", Num: 0, Doc: "not shared"},
		{Name: "by_name", Num: 1, Doc: "by its name"},
	}},
	{Name: "param_type", Go: "Param", C: "PARAM", Type: "ParamType", Doc: "What a parameter takes.", Values: []Value{
		{Name: "string", Num: 0, Doc: "text"},
		{Name: "u64", Num: 1, Doc: "number from 0 up: decimal, or hexadecimal after 0x"},
		{Name: "bool", Num: 2, Doc: "true or false"},
	}},
	{Name: "event_kind", Go: "Event", C: "EVENT", Doc: "Kind of a record in a batch.", Values: []Value{
		{Name: "data", Num: 0, Doc: "what a program sent"},
		{Name: "lost", Num: 1, Doc: "payload is a u64: records lost since the last such record"},
	}},
	{Name: "source_op", Go: "Source", C: "SOURCE", Doc: "What source_ctl does.", Values: []Value{
		{Name: "pause", Num: 1, Doc: "stop draining"},
		{Name: "resume", Num: 2, Doc: "go on"},
	}},
	{Name: "source_known", Go: "Known", C: "KNOWN", Bits: true, Doc: "Counts that the program keeps, in source_stats.flags.", Values: []Value{
		{Name: "sent", Num: 1, Doc: "sent is counted by the program"},
		{Name: "lost", Num: 2, Doc: "lost is counted by the program"},
	}},
	{Name: "stream", Go: "Stream", C: "STREAM", Type: "Stream", Doc: "Where out_write goes.", Values: []Value{
		{Name: "out", Num: 1, Doc: "results, for other programs"},
		{Name: "err", Num: 2, Doc: "diagnostics, for people"},
	}},
	{Name: "stop_reason", Go: "Stop", C: "STOP", Type: "StopReason", Doc: "Why a run ends.", Values: []Value{
		{Name: "interrupted", Num: 1, Doc: "by the operator"},
		{Name: "duration", Num: 2, Doc: "its time is over"},
		{Name: "closed", Num: 3, Doc: "the host closes it"},
		{Name: "asked", Num: 4, Doc: "the plugin called stop_run"},
		{Name: "error", Num: 5, Doc: "something failed"},
	}},
}
