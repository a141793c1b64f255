package policy

// Names that reach beyond observing and steering packets. No pattern with a wildcard stands for
// them: a policy grants them, and a plugin requests them, by name. The value says what they do.

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
		what = dangerousKfuncs[a.Name]
	case KindProgram:
		what = dangerousPrograms[a.Name]
	}
	if what == "" && a.unknown() {
		what = "is not known to this version"
	}
	return what
}

// Class is how deep into the system a plugin may reach. It only takes away.
type Class uint8

// The classes, from the widest to the narrowest.
const (
	ClassEnforce Class = iota // no restriction of its own
	ClassMutate               // may change packets and data, but neither deny, override nor signal
	ClassObserve              // may only look
)

// classWords is indexed by Class.
var classWords = [...]string{"enforce", "mutate", "observe"}

// String returns the word of the class.
func (c Class) String() string {
	if int(c) < len(classWords) {
		return classWords[c]
	}
	return "unknown"
}

// observePrograms are the program types that cannot change what they see.
var observePrograms = map[string]bool{
	"kprobe": true, "perf_event": true, "raw_tracepoint": true, "tracepoint": true, "tracing": true,
}

// enforceOnly are names that change what the system decides.
var enforceOnly = map[string]bool{
	"bpf_override_return":    true,
	"bpf_send_signal":        true,
	"bpf_send_signal_task":   true,
	"bpf_send_signal_thread": true,
	"crash_kexec":            true,
	"ext":                    true,
	"lsm":                    true,
	"struct_ops":             true,
	RightFreplace:            true,
	RightModifyReturn:        true,
}

// observeNever are helpers that change something, although types that observe may call them.
var observeNever = map[string]bool{
	"bpf_clone_redirect":    true,
	"bpf_msg_redirect_hash": true,
	"bpf_msg_redirect_map":  true,
	"bpf_probe_write_user":  true,
	"bpf_redirect":          true,
	"bpf_redirect_map":      true,
	"bpf_redirect_neigh":    true,
	"bpf_redirect_peer":     true,
	"bpf_sk_assign":         true,
	"bpf_sk_redirect_hash":  true,
	"bpf_sk_redirect_map":   true,
	"bpf_sys_bpf":           true,
}

// grants reports whether the class lets an access through.
func (c Class) grants(a Access) bool {
	switch a.Kind {
	case KindProgram, KindHelper, KindKfunc, KindRight:
	default:
		return true
	}
	switch c {
	case ClassEnforce:
		return true
	case ClassObserve:
		if a.Kind == KindProgram && !observePrograms[a.Name] || observeNever[a.Name] {
			return false
		}
	}
	return !enforceOnly[a.Name]
}
