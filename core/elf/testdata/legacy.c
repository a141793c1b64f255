/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* Built without -g: no BTF. The map is defined the old way. */
#include "bpf.h"

char _license[] SEC("license") = "GPL";

struct old_map {
	u32 type, key_size, value_size, max_entries, map_flags;
};

struct old_map SEC("maps") table = { HASH, 4, 8, 32, 1 };
struct old_map SEC("maps") wide = { ARRAY, 4, 64, 1, 0 };

u32 counter;

SEC("socket")
int filter(void *ctx)
{
	u32 key = 0;

	counter++;
	if (map_lookup(&table, &key))
		return 0;
	return map_lookup(&wide, &key) ? 1 : -1;
}
