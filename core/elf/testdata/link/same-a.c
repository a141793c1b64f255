/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Static variables with the names of variables of same-b.c, as those of a shared header have. */
#include "../bpf.h"

char _license[] SEC("license") = "GPL";

static int count = 3;
static int state;

SEC("socket")
int first(void *ctx)
{
	count++;
	state += count;
	return state;
}
