/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Map definitions that libbpf refuses: values that are not programs, ways to pin that it does not know,
 * a definition inside another struct. */
#include "../bpf.h"

char _license[] SEC("license") = "GPL";

int in_text(void *ctx)
{
	return 1;
}

static int static_in_text(void *ctx)
{
	return 2;
}

int elsewhere(void *ctx);

struct {
	__uint(type, PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = { .values = { [1] = (void *)&in_text, [2] = (void *)&static_in_text, [3] = (void *)&elsewhere } };

struct {
	__uint(type, HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
	__uint(pinning, 16);
} pinned SEC(".maps");

struct definition {
	__uint(type, ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u64);
};

struct cell {
	struct definition value;
};

struct {
	struct cell __0;
} wrapped SEC(".maps");

SEC("xdp")
int prog(void *ctx)
{
	u32 key = 0;

	tail_call(ctx, &calls, 1);
	return map_lookup(&pinned, &key) && map_lookup(&wrapped, &key) ? 2 : 1;
}
