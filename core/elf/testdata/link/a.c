// Half of an object: what b.c defines is only declared here.
#include "../bpf.h"
#define IN(name) __attribute__((section(name)))
struct flow { u32 addr; u64 count; };
struct { __uint(type, HASH); __uint(max_entries, 128); __type(key, u32); __type(value, struct flow); } flows SEC(".maps");
int shared_fn(int x);
extern int limit IN(".data");
__weak __noinline int common(int x) { return x + 1; }
static __noinline int local(int x) { return x * 7; }
u64 seen;
static volatile int quiet = 3;
SEC("xdp") int first(struct xdp_md *ctx) {
	u32 key = ctx->ingress_ifindex;
	struct flow *f = map_lookup(&flows, &key);
	if (f) seen += f->count;
	return shared_fn(key) + limit + common(key) + local(quiet);
}
char _license[] SEC("license") = "GPL";
