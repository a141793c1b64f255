// SPDX-License-Identifier: GPL-2.0 OR MIT
// target.c has two types that this could mean, with the field in different places.
#include "types.h"

char LICENSE[] SEC("license") = "GPL";

struct twice { u32 x; } CORE;

SEC("raw_tp/x") int ambiguous(struct twice *t)
{
	return t->x;
}
