package spec

// Which build options of the kernel types of programs and maps take is told by
// include/linux/bpf_types.h. A kernel without the option says of them only that an argument is
// invalid.

var programTypeOption = map[ProgramType]string{
	ProgramCgroupDevice:          "CONFIG_CGROUP_BPF",
	ProgramCgroupSkb:             "CONFIG_CGROUP_BPF",
	ProgramCgroupSock:            "CONFIG_CGROUP_BPF",
	ProgramCgroupSockAddr:        "CONFIG_CGROUP_BPF",
	ProgramCgroupSockopt:         "CONFIG_CGROUP_BPF",
	ProgramCgroupSysctl:          "CONFIG_CGROUP_BPF",
	ProgramExt:                   "CONFIG_BPF_JIT",
	ProgramKprobe:                "CONFIG_BPF_EVENTS",
	ProgramLircMode2:             "CONFIG_BPF_LIRC_MODE2",
	ProgramLSM:                   "CONFIG_BPF_LSM",
	ProgramNetfilter:             "CONFIG_NETFILTER_BPF_LINK",
	ProgramPerfEvent:             "CONFIG_BPF_EVENTS",
	ProgramRawTracepoint:         "CONFIG_BPF_EVENTS",
	ProgramRawTracepointWritable: "CONFIG_BPF_EVENTS",
	ProgramSkLookup:              "CONFIG_INET",
	ProgramSkReuseport:           "CONFIG_INET",
	ProgramStructOps:             "CONFIG_BPF_JIT",
	ProgramTracepoint:            "CONFIG_BPF_EVENTS",
	ProgramTracing:               "CONFIG_BPF_EVENTS",
}

var mapTypeOption = map[MapType]string{
	MapCgroupArray:         "CONFIG_CGROUPS",
	MapCgroupStorage:       "CONFIG_CGROUP_BPF",
	MapCgrpStorage:         "CONFIG_CGROUPS",
	MapInodeStorage:        "CONFIG_BPF_LSM",
	MapPerCPUCgroupStorage: "CONFIG_CGROUP_BPF",
	MapReuseportSockarray:  "CONFIG_INET",
	MapStackTrace:          "CONFIG_PERF_EVENTS",
	MapStructOps:           "CONFIG_BPF_JIT",
	MapXskmap:              "CONFIG_XDP_SOCKETS",
}

// Option returns the build option that a kernel takes for programs of the type,
// "CONFIG_BPF_LIRC_MODE2"; empty where all kernels with bpf(2) and a network have them.
func (p ProgramType) Option() string { return programTypeOption[p] }

// Option returns the build option that a kernel takes for maps of the type, as it does for programs.
func (m MapType) Option() string { return mapTypeOption[m] }
