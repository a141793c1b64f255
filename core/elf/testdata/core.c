/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* CO-RE relocations, externs of every kind, sections that name what to attach to. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
} __core;

struct {
	__uint(type, PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF_JIT __kconfig __weak;
extern const void init_task __ksym;
extern const struct task_struct runqueues __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;

SEC("tp_btf/sched_process_exec")
int exec(u64 *ctx)
{
	struct task_struct *p = (void *)ctx[0], *parent;
	int tgid = 0;

	parent = p->real_parent;
	if (__builtin_preserve_field_info(p->pid, 2))
		tgid = p->tgid;
	return tgid + LINUX_KERNEL_VERSION + CONFIG_BPF_JIT + (parent ? parent->pid : 0);
}

SEC("?raw_tp/sys_enter")
int enter(void *ctx)
{
	return &init_task == ctx || &runqueues == ctx;
}

SEC("fentry.s/bpf_modify_return_test")
int entry(u64 *ctx)
{
	struct task_struct *p = bpf_task_acquire((void *)ctx[0]);

	if (!p)
		return 0;
	if (bpf_task_release)
		bpf_task_release(p);
	return 0;
}

SEC("kprobe/do_sys_openat2")
int probe(void *ctx)
{
	return 0;
}
