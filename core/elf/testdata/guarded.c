/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Helpers that not every kernel has, called where checks that are decided when a program is loaded let
 * control get there, and where they do not.
 */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

static u64 (*const coarse)(void) = (void *)160;                                 /* 5.11 */
static long (*const compare)(const char *a, u32 size, const char *b) = (void *)182; /* 5.17 */
static u64 (*const tai)(void) = (void *)208;                                    /* 6.1 */

enum bpf_func_id {
	BPF_FUNC_ktime_get_tai_ns = 208,
};

struct task_struct___new {
	u32 __state;
} __core;

struct bpf_dynptr_kern {
	void *data;
} __core;

extern int LINUX_KERNEL_VERSION __kconfig;
extern const void bpf_ktime_get_tai_ns __ksym __weak;

const volatile _Bool wanted = 0;

#define has_helper __builtin_preserve_enum_value(*(enum bpf_func_id *)BPF_FUNC_ktime_get_tai_ns, 0)
#define has_dynptr __builtin_preserve_type_info(*(struct bpf_dynptr_kern *)0, 0)
#define has_state __builtin_preserve_field_info(((struct task_struct___new *)0)->__state, 2)

SEC("xdp")
int by_value(struct xdp_md *ctx)
{
	return has_helper ? tai() & 1 : ktime() & 1;
}

SEC("xdp")
int by_type(struct xdp_md *ctx)
{
	char text[4] = "abc";

	if (has_dynptr && compare(text, sizeof(text), "abc"))
		return 1;
	return 2;
}

SEC("xdp")
int by_field(struct xdp_md *ctx)
{
	u64 sum = 0;

	for (int i = 0; i < 10; i++)
		if (has_state)
			sum += coarse();
		else
			sum += ktime();
	return sum & 1;
}

SEC("xdp")
int by_version(struct xdp_md *ctx)
{
	if (LINUX_KERNEL_VERSION >= (6 << 16 | 1 << 8))
		return tai() & 1;
	return 2;
}

SEC("xdp")
int by_symbol(struct xdp_md *ctx)
{
	return &bpf_ktime_get_tai_ns ? tai() & 1 : 2;
}

SEC("xdp")
int by_constant(struct xdp_md *ctx)
{
	return wanted ? tai() & 1 : 2;
}

static __noinline u64 now(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex ? tai() : coarse();
}

/* The check is kept over calls, in a register or on the stack, and asked often. */
SEC("xdp")
int by_function(struct xdp_md *ctx)
{
	u64 has = has_helper, a = ktime(), b = ktime(), c = ktime(), d = ktime(), e = ktime();

	if (has)
		a += now(ctx);
	b ^= ktime() + a;
	if (has)
		b += now(ctx);
	c ^= ktime() + b;
	if (!has)
		c += ktime();
	else
		c += now(ctx);
	return (a ^ b ^ c ^ d ^ e) & 1;
}

/* Kernels before 6.8 verify global functions that nothing calls. */
__noinline int global_now(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex + coarse();
}

SEC("xdp")
int by_global(struct xdp_md *ctx)
{
	return has_helper ? global_now(ctx) & 1 : 2;
}

SEC("xdp")
int after(struct xdp_md *ctx)
{
	u64 n = 0;

	if (has_helper)
		n = ktime();
	return (n + coarse()) & 1;
}

SEC("xdp")
int by_packet(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex == 7 ? coarse() & 1 : 2;
}
