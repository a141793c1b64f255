// SPDX-License-Identifier: GPL-2.0 OR MIT
// pktguard drops IPv4 packets whose source is on a block list and reports each drop.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// What the plugin configures before load.
struct config {
	__u32 sample;       // report one in so many drops; 0 reports none
	__u8 drop_fragments; // also drop every fragment
	__u8 dry_run;       // count and report, but let pass
	__u16 min_len;      // drop packets shorter than this; 0 is off
};

const volatile struct config cfg = {.sample = 1};

struct drop {
	__u64 time; // ns since boot
	__be32 source;
	__be32 dest;
	__u32 reason; // enum reason
	__u16 length; // of the IPv4 packet, bytes
	__u8 proto;
	__u8 dry_run;
};

enum reason { PASSED, BLOCKED, FRAGMENT, SHORT, NREASON };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __be32);
	__type(value, __u64); // drops so far
} blocked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NREASON);
	__type(key, __u32);
	__type(value, __u64); // packets per reason
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} drops SEC(".maps");

// The event account: how often a report was tried, and how often the ring was full.
enum account { TRIED, LOST, NACCOUNT };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NACCOUNT);
	__type(key, __u32);
	__type(value, __u64);
} account SEC(".maps");

static void count(void *map, __u32 key)
{
	__u64 *n = bpf_map_lookup_elem(map, &key);

	if (n)
		(*n)++;
}

static __noinline int report(struct iphdr *ip, __u32 reason)
{
	struct drop *d;

	count(&account, TRIED);
	d = bpf_ringbuf_reserve(&drops, sizeof(*d), 0);
	if (!d) {
		count(&account, LOST);
		return 0;
	}
	d->time = bpf_ktime_get_ns();
	d->source = ip->saddr;
	d->dest = ip->daddr;
	d->reason = reason;
	d->length = bpf_ntohs(ip->tot_len);
	d->proto = ip->protocol;
	d->dry_run = cfg.dry_run;
	bpf_ringbuf_submit(d, 0);
	return 0;
}

static __noinline __u32 judge(struct iphdr *ip)
{
	__be32 source = ip->saddr;
	__u64 *hits = bpf_map_lookup_elem(&blocked, &source);

	if (hits) {
		__sync_fetch_and_add(hits, 1);
		return BLOCKED;
	}
	if (cfg.drop_fragments && (ip->frag_off & bpf_htons(0x3fff)))
		return FRAGMENT;
	if (cfg.min_len && bpf_ntohs(ip->tot_len) < cfg.min_len)
		return SHORT;
	return PASSED;
}

SEC("xdp")
int pktguard(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth), copy;
	__u32 reason;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__builtin_memcpy(&copy, ip, sizeof(copy));
	reason = judge(&copy);
	count(&verdicts, reason);
	if (reason == PASSED)
		return XDP_PASS;
	if (cfg.sample && bpf_get_prandom_u32() % cfg.sample == 0)
		report(&copy, reason);
	return cfg.dry_run ? XDP_PASS : XDP_DROP;
}
