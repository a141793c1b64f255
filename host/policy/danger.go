package policy

// Names that reach beyond observing and steering packets. No pattern with a wildcard matches them:
// a policy grants them, and a plugin requests them, by name. The value says what they do.

var dangerousHelpers = map[string]string{
	"bpf_btf_find_by_name_kind": "opens kernel objects by number",
	"bpf_kallsyms_lookup_name":  "looks up kernel addresses",
	"bpf_override_return":       "overrides what a kernel function returns",
	"bpf_probe_write_user":      "writes memory of user processes",
	"bpf_send_signal":           "sends signals",
	"bpf_send_signal_thread":    "sends signals",
	"bpf_sys_bpf":               "calls bpf(2) itself",
	"bpf_sys_close":             "closes descriptors",
}

var dangerousKfuncs = map[string]string{
	"bpf_send_signal_task": "sends signals",
	"crash_kexec":          "crashes the machine",
}

var dangerousPrograms = map[string]string{
	"ext":        "replaces functions of other programs",
	"lsm":        "can deny what the system does",
	"struct_ops": "implements kernel callbacks",
	"syscall":    "calls bpf(2) itself",
}

// dangerousKfunc says what a kernel function can do. Those that decide what the system does need not
// be listed a second time, and of one that is in no class nothing is known.
func dangerousKfunc(a Access) string {
	what := dangerousKfuncs[a.names()[0]]
	switch class, ok := classOf(a); {
	case what != "":
	case !ok:
		what = "is in no class, so this version does not know what it does"
	case class == ClassEnforce:
		what = "can change what the system decides"
	}
	return what
}

// rightOf names the right that a program type needs besides its type.
var rightOf = map[string]string{
	"ext":        RightFreplace,
	"struct_ops": RightStructOps,
	"syscall":    RightSyscall,
}

// danger says what an access can do that wildcards must not grant; empty is nothing.
func (a Access) danger() string {
	what := ""
	switch a.Kind {
	case KindHelper:
		what = dangerousHelpers[a.Name]
	case KindKfunc:
		what = dangerousKfunc(a)
	case KindProgram:
		what = dangerousPrograms[a.Name]
	}
	if what == "" && a.unknown() {
		what = "is not known to this version"
	}
	return what
}
