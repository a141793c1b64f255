/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Maps, variables, functions of every linkage, calls within and across sections, a callback. */
#include "bpf.h"

char _license[] SEC("license") = "Dual MIT/GPL";

struct flow {
	u32 addr;
	u16 port;
	u8 proto;
};

struct {
	__uint(type, HASH);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile u32 limit = 7;
const volatile u8 ports[4] = { 1, 2, 3, 4 };
static volatile const u32 hidden_limit = 9;
u64 seen = 1;
u64 dropped;
__hidden u32 quiet;
__weak u16 fallback = 5;
static u32 state;
u32 named SEC(".data.named") = 3;

__noinline static int in_text(u32 x)
{
	state += x;
	return state + hidden_limit;
}

__noinline int shared(u32 x)
{
	return in_text(x) * 3;
}

__noinline __weak int maybe(u32 x)
{
	return shared(x) + 1;
}

static long step(u32 i, u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	u32 key = ctx->ingress_ifindex;
	struct flow *f = map_lookup(&flows, &key);
	u64 sum = 0;

	if (!f)
		return 2;
	if (f->port > limit + ports[key & 3])
		dropped++;
	loop(4, step, &sum, 0);
	ringbuf_output(&events, &sum, sizeof(sum), 0);
	seen += sum + quiet + fallback + named;
	return shared(key) > 5 ? 1 : 2;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	static const char fmt[] = "pass %d";

	trace(fmt, sizeof(fmt), ctx->ingress_ifindex);
	return maybe(ctx->ingress_ifindex);
}

SEC("tracepoint/sched/sched_switch")
int on_switch(void *ctx)
{
	return shared(pid_tgid() >> 32);
}
