/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* The other half of same-a.c: one static variable of another type, one that is global in another section. */
#include "../bpf.h"

char _license[] SEC("license") = "GPL";

static u64 count = 40;
u64 state = 1;

SEC("socket")
int second(void *ctx)
{
	count += 2;
	state += count;
	return count;
}
