/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Programs that are static: libbpf refuses them, other loaders take them. */
#include "../bpf.h"

char _license[] SEC("license") = "GPL";

SEC("tc")
static int lonely(void *ctx)
{
	return 3;
}

SEC("tc/tail")
static int first(void *ctx)
{
	return 1;
}

SEC("tc/tail")
static int second(void *ctx)
{
	return 2;
}

struct {
	__uint(type, PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = { .values = { (void *)&first, (void *)&second } };

SEC("tc/entry")
static __noinline u32 called(u32 x)
{
	asm volatile("" : "+r"(x));
	return x + 1;
}

SEC("tc/entry")
int entry(void *ctx)
{
	tail_call(ctx, &calls, called(0));
	return 0;
}
