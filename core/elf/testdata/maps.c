/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Every attribute of a map definition. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";
u32 _version SEC("version") = 0x060100;

struct inner {
	__uint(type, ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, ARRAY_OF_MAPS);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [1] = &first, [6] = &second },
};

int tail(void *ctx);
int other(void *ctx);

struct {
	__uint(type, PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = {
	.values = { [0] = &tail, [3] = &other },
};

typedef struct {
	__uint(type, LRU_HASH);
	__uint(max_entries, 16);
	__uint(map_flags, 1 << 3);
	__uint(numa_node, 0);
	__uint(key_size, 8);
	__uint(value_size, 24);
	__uint(pinning, 1);
} pinned_t;
pinned_t pinned SEC(".maps") __tag("kept");

struct {
	__uint(type, BLOOM_FILTER);
	__uint(max_entries, 64);
	__uint(value_size, 4);
	__uint(map_extra, 3);
} bloom SEC(".maps");

struct {
	__uint(type, ARENA);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 10);
	__ulong(map_extra, 0x10000000000);
} arena SEC(".maps");

struct {
	__uint(type, PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, u32);
} perf SEC(".maps");

SEC("tc")
int tail(void *ctx)
{
	u32 key = 1;
	u64 id = 1;

	map_lookup(&outer, &key);
	map_lookup(&pinned, &id);
	tail_call(ctx, &calls, 3);
	return 0;
}

SEC("tc")
int other(void *ctx)
{
	return 1;
}
