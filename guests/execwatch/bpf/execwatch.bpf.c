// SPDX-License-Identifier: GPL-2.0 OR MIT
// execwatch reports every program that is started, optionally only below one parent or in one cgroup.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Only what is read of the kernel's types; CO-RE finds the fields on the kernel it runs on.
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
};
struct linux_binprm {
	const char *filename;
};
#pragma clang attribute pop

// What the plugin sets before load; 0 is no filter.
const volatile __u32 only_parent;
const volatile __u64 only_cgroup;

struct event {
	__u64 time; // ns since boot
	__u64 cgroup;
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	char comm[16];
	char parent[16];
	char file[116];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

// The event account: how often a report was tried, and how often the ring was full.
enum account { TRIED, LOST, NACCOUNT };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NACCOUNT);
	__type(key, __u32);
	__type(value, __u64);
} account SEC(".maps");

static void count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&account, &key);

	if (n)
		(*n)++;
}

// sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
SEC("raw_tracepoint/sched_process_exec")
int execwatch(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0], *parent;
	struct linux_binprm *bprm = (void *)ctx->args[2];
	__u64 cgroup = bpf_get_current_cgroup_id();
	__u32 ppid;
	struct event *e;

	parent = BPF_CORE_READ(task, real_parent);
	ppid = BPF_CORE_READ(parent, tgid);
	if (only_parent && ppid != only_parent)
		return 0;
	if (only_cgroup && cgroup != only_cgroup)
		return 0;
	count(TRIED);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count(LOST);
		return 0;
	}
	e->time = bpf_ktime_get_ns();
	e->cgroup = cgroup;
	e->pid = BPF_CORE_READ(task, tgid);
	e->ppid = ppid;
	e->uid = bpf_get_current_uid_gid();
	BPF_CORE_READ_STR_INTO(&e->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&e->parent, parent, comm);
	bpf_probe_read_kernel_str(e->file, sizeof(e->file), BPF_CORE_READ(bprm, filename));
	bpf_ringbuf_submit(e, 0);
	return 0;
}
