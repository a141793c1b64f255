// SPDX-License-Identifier: GPL-2.0 OR MIT
// netwatch reports the IPv4 packets of an interface. It has no plugin: bpfhost runs it as it is.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum verdict { PASS, DROP, SEEN };

struct flow {
	__be32 source;
	__be32 dest;
	__be16 port;
};

struct packet {
	struct flow flow;
	__u16 length;
	__u8 proto;
	__u8 fragment : 1;
	__u8 options : 3;
	_Bool marked;
	enum verdict verdict;
	char tag[8];
	__s32 delta;
	__u8 mac[6];
	__u16 ports[2];
	__u64 seen;
};

// What the operator sets.
struct config {
	__u32 limit; // reports; 0 is no end
	__s16 delta;
	_Bool mark;
	enum verdict verdict;
	__be16 port;   // of the packets reported; 0 is any
	__be32 source; // likewise
	char tag[8];
	__u8 low : 4;
	struct {
		__u32 rate;
	} limits[3];
	void *pointer;
};

const volatile struct config cfg = {.verdict = SEEN, .tag = "none"};
__u64 reported;

// What nothing names is not in BTF: this has the type of the records there.
const struct packet *unused_packet __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __be32);
	__type(value, __u64);
} sources SEC(".maps");

SEC("xdp")
int netwatch(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = (void *)(ip + 1);
	struct packet *p;

	if ((void *)(udp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if ((cfg.port && udp->dest != cfg.port) || (cfg.source && ip->saddr != cfg.source))
		return XDP_PASS;
	if (cfg.limit && reported++ >= cfg.limit)
		return XDP_PASS;
	p = bpf_ringbuf_reserve(&packets, sizeof(*p), 0);
	if (!p)
		return XDP_PASS;
	__builtin_memset(p, 0, sizeof(*p));
	p->flow.source = ip->saddr;
	p->flow.dest = ip->daddr;
	p->flow.port = udp->dest;
	p->length = bpf_ntohs(ip->tot_len);
	p->proto = ip->protocol;
	p->options = 5;
	p->marked = cfg.mark;
	p->verdict = cfg.verdict;
	for (int i = 0; i < sizeof(p->tag); i++)
		p->tag[i] = cfg.tag[i];
	p->delta = cfg.delta;
	__builtin_memcpy(p->mac, eth->h_dest, sizeof(p->mac));
	p->ports[1] = bpf_ntohs(udp->dest);
	p->seen = 1ull << 63;
	bpf_ringbuf_submit(p, 0);
	return XDP_PASS;
}

// It is attached when it is named.
SEC("?tcx/ingress")
int optional(struct __sk_buff *skb)
{
	return -1;
}
