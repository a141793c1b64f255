// struct_ops of every kind, an arena with variables, a hidden function, a handler of exceptions.
#include "bpf.h"

struct nested { void (*deep)(void); int depth; };
struct demo_ops {
	int (*init)(void);
	struct nested in;
	void (*exit)(int code);
	char name[16];
};

SEC("struct_ops/init") int on_init(void *ctx) { return 0; }
SEC("struct_ops.s") int on_exit(void *ctx) { return 1; }
SEC("?struct_ops") int on_deep(void *ctx) { return 2; }

SEC(".struct_ops.link") struct demo_ops linked = { .init = (void *)on_init, .in = { .deep = (void *)on_deep, .depth = 3 }, .name = "linked" };
SEC(".struct_ops") struct demo_ops plain = { .exit = (void *)on_exit, .name = "plain" };
SEC("?.struct_ops.link") struct demo_ops maybe = { .name = "maybe" };

struct {
	__uint(type, 33);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 4);
} arena SEC(".maps");

#define __arena __attribute__((address_space(1)))
unsigned long __arena counter = 5;
unsigned int __arena table[4];

__attribute__((noinline, visibility("hidden"))) int helper_hidden(int x) { return x * 3 + counter; }
__attribute__((noinline)) int on_throw(unsigned long cookie) { return cookie; }

__attribute__((btf_decl_tag("exception_callback:on_throw")))
SEC("tc") int thrower(void *ctx) { table[2] = 1; return helper_hidden((long)ctx); }

char _license[] SEC("license") = "GPL";
