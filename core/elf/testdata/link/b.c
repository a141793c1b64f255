// The other half of a.c.
#include "../bpf.h"
#define IN(name) __attribute__((section(name)))
struct flow { u32 addr; u64 count; };
extern struct { __uint(type, HASH); __uint(max_entries, 128); __type(key, u32); __type(value, struct flow); } flows IN(".maps");
struct { __uint(type, ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } other SEC(".maps");
int limit SEC(".data") = 42;
int common(int x) { return x + 2; }
static __noinline int local(int x) { return x * 9; }
extern u64 seen IN(".bss");
static u32 mine[5] = {1,2,3,4,5};
__noinline __hidden int shared_fn(int x) {
	u32 key = x;
	struct flow *f = map_lookup(&flows, &key);
	return f ? f->addr + local(x) : mine[x & 3];
}
SEC("xdp") int second(struct xdp_md *ctx) { u32 k = 0; return map_lookup(&other, &k) ? seen + local(ctx->ingress_ifindex) : common(1) ; }
char _license[] SEC("license") = "GPL";
