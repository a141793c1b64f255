// A congestion control of TCP: struct_ops that the kernel has, declared with less than it has, in another
// order, and with members that it does not have.
#include "bpf.h"

struct sock;
struct tcp_congestion_ops___mine {
	unsigned int (*ssthresh)(struct sock *sk);
	char name[16];
	unsigned int (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
	void (*init)(struct sock *sk);
	void (*no_such_member)(struct sock *sk);
	unsigned long no_such_value;
	void (*no_such_function)(struct sock *sk);
};

unsigned long calls;

SEC("struct_ops") unsigned int on_ssthresh(void *ctx) { return 2; }
SEC("struct_ops") unsigned int on_undo(void *ctx) { return 10; }
SEC("struct_ops") void on_avoid(void *ctx) { __sync_fetch_and_add(&calls, 1); }
SEC("?struct_ops") void on_init(void *ctx) { __sync_fetch_and_add(&calls, 1000); }
SEC("struct_ops") void on_missing(void *ctx) {}

#define OPS(text) { .ssthresh = (void *)on_ssthresh, .undo_cwnd = (void *)on_undo, .cong_avoid = (void *)on_avoid, .init = (void *)on_init, .name = text }
SEC(".struct_ops") struct tcp_congestion_ops___mine plain = OPS("bpfhost_plain");
SEC(".struct_ops.link") struct tcp_congestion_ops___mine linked = OPS("bpfhost_linked");
SEC("?.struct_ops.link") struct tcp_congestion_ops___mine second = {
	.ssthresh = (void *)on_ssthresh, .undo_cwnd = (void *)on_undo, .cong_avoid = (void *)on_avoid,
	.no_such_member = (void *)on_missing, .name = "bpfhost_linked",
};

char _license[] SEC("license") = "GPL";
