// Variables in an arena: with and without first values, and a pointer that a program makes there.
#include "bpf.h"

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, ARENA);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 100);
} arena SEC(".maps");

u64 __arena counter = 5;
u32 __arena table[1500];
u32 __arena *__arena last;
static volatile u64 __arena hidden = 3;
u64 plain;

SEC("xdp") int touch(struct xdp_md *ctx)
{
	counter += hidden;
	table[1400] = counter;
	last = &table[1400];
	plain = *last;
	return counter;
}

char _license[] SEC("license") = "GPL";
