// Package policy evaluates what a plugin does and what is about to be loaded for it. It is pure: it
// looks at specs and texts, never at a kernel.
//
// # What a plugin may do
//
// A plugin requests what it needs ([ParseRequests]); the operator's policy says what is granted
// ([Parse], or [BuiltIn] where they wrote none). A plugin may do what is in both, and nothing else.
// It is asked early, where a plugin does something ([Policy.Decision]), so that the refusal names
// the place, and once more over everything that is about to be loaded, after every edit
// ([Accesses], [Policy.Evaluate]). Only the second counts.
//
// # The policy language
//
// A policy is a YAML mapping (JSON is YAML). Reading is strict: an unknown key, a key that is there
// twice, a name of a type that does not exist, an anchor, an alias or a tag is an error with line
// and column. Every key that is accepted is enforced. What is not granted is denied.
//
//	plugin:                    # what the policy is for; without it, any plugin
//	  name: guard              # what the plugin calls itself, which alone is no proof
//	  sha256: 3a7b…            # of the module
//	  signers: ["ed25519:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="] # one of them signed it
//	class: observe             # how deep into the system: observe, mutate or enforce
//	by_name: [memory, machine] # what reaches far must be requested by name, not by a wildcard
//	objects:                   # input objects; without it the operator's objects are taken
//	  drops.bpf.o:             # file name without its directories, or pattern
//	    sha256: 90ad…          # of the object
//	    edit: true             # the plugin may change it
//	programs:
//	  types: [xdp, tracing]    # program types
//	  max: 12                  # number of programs
//	  max_insns: 20000         # of each program, in slots of 8 bytes
//	  helpers: ["map_*"]       # helper functions; bpf_ in front may be left out
//	  kfuncs: []               # kernel functions
//	  ksyms: []                # kernel symbols, whose addresses programs get
//	  sleepable: true          # programs that sleep
//	  freplace: false          # programs that replace functions of others (type ext)
//	  syscall: false           # programs that call bpf(2) (type syscall)
//	  struct_ops: false        # programs that implement kernel callbacks (type struct_ops)
//	  modify_return: false     # tracing programs that override results
//	attach:                    # by kind of hook, the targets
//	  xdp: ["veth*"]           # interfaces; likewise tcx and socket
//	  cgroup: ["/sys/fs/cgroup/app/*"]
//	  tracepoint: ["sched/*"]  # category/name
//	  raw_tracepoint: [sched_switch]
//	  tracing: ["tcp_*"]       # kernel functions, tracepoints and LSM hooks of typed programs
//	  kprobe: [do_unlinkat]    # kernel functions
//	  netns: ["/run/netns/*"]  # network namespaces: as targets, and as places of other targets
//	maps:
//	  types: [hash, "*array"]  # map types
//	  max: 8                   # number of maps
//	  max_entries: 65536       # of each map
//	  max_bytes_each: 1MiB     # of each map, all CPUs together
//	  max_bytes_total: 16MiB
//	  runtime_rw: [blocked]    # maps that the plugin reads and writes entry by entry while it runs
//	pins:                      # names of maps, or paths on the BPF file system
//	  read: [blocked]
//	  write: ["/sys/fs/bpf/bpfhost/*"]
//	  shared: [blocked]        # maps that other plugins use too
//	wasm:                      # limits of the guest; without one, the host's default
//	  memory: 16MiB
//	  wall_ms: {start: 2000, describe: 1000, configure: 1000, plan: 5000, loaded: 2000,
//	            started: 2000, events: 100, tick: 100, stop: 1000}
//	  out_bytes_per_s: 1MiB
//	  log_lines_per_s: 50
//
// # Patterns
//
// In lists, * stands for any run of characters, slashes included, and ? for one character. A
// pattern with ! in front takes away, wherever it stands in the list. Both characters mean
// something else to YAML at the start of a word, so such patterns need quotes.
//
// # Dangerous names
//
// No pattern with a wildcard matches a name that reaches beyond observing and steering packets: the
// helpers that write memory of processes, override results, send signals or call bpf(2), the kernel
// functions of class enforce or of no class, and the program types ext, lsm, struct_ops and
// syscall. A policy must name them, and so must the plugin. The same holds for what this version
// has no name for: it is called by its number, like "#250".
//
// # Far reach
//
// Some names let a plugin see more than its own programs, maps, packets and targets ([Access.Reach]):
// helpers and kernel functions that read memory at any address, and hooks that see the whole machine.
// Plans show them. Where by_name lists their reach, as the built-in policy does, a request with a
// wildcard does not ask for them.
//
// # Classes
//
// A class is an allow-list and only takes away ([Classes], [Class.Names]). Observe consists of the
// program types kprobe, perf_event, raw_tracepoint, tracepoint and tracing, their hooks, and the
// helpers and kernel functions that only read, count and report. Mutate adds what changes packets,
// sockets and data. Enforce adds what denies, overrides and signals. A name that nobody classified,
// such as a kernel function of a newer kernel, is in no class: a policy that shall grant it has no
// class and names it.
//
// # What is never granted
//
// An instruction that names a map or kernel function by number instead of by name, a path with ..
// or an empty part in it, and numbers above the ceilings: 1,024 programs, 1,000,000 instructions,
// 1,024 maps, 4 GiB for a map and 8 GiB for all.
package policy
