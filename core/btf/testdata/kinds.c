// SPDX-License-Identifier: GPL-2.0 OR MIT
// One of every kind of type that clang writes, and CO-RE relocations of every kind. See README.md.

#define SEC(name) __attribute__((section(name)))
#define CORE __attribute__((preserve_access_index))
#define TAG(x) __attribute__((btf_decl_tag(x)))
#define __user __attribute__((btf_type_tag("user")))

typedef unsigned int u32;
typedef unsigned long long u64;

enum color { RED, GREEN = 5, BLUE = -1 };
enum big { SMALL, HUGE = 0x123456789ULL };

struct unseen;
union undone;

struct inner {
	char a;
	short b;
} TAG("inner");

struct task___local {
	int pid;
	u32 flags : 3, more : 9;
	int sign : 5;
	struct {
		union {
			u64 cookie;
			char name[16];
		};
	};
	struct inner pairs[4];
	const volatile char *restrict comm;
	struct unseen *next;
	union undone *other;
	int (*call)(struct task___local *t, int n, ...);
	enum color color;
	double weight;
	int tail[];
} CORE;

typedef struct {
	int x;
} point;

struct packed {
	char c;
	int i;
} __attribute__((packed));

struct map {
	int (*type)[2];
	u32 *key;
	struct task___local *value;
};

struct map counts SEC(".maps");
u64 total TAG("total");
static volatile u32 hidden = 3;
const volatile enum big limit = HUGE;
point origin = { 1 };
struct packed odd;
int __user *user_ptr;

extern const int CONFIG_HZ SEC(".kconfig");
extern void some_symbol SEC(".ksyms");
extern int some_kfunc(struct inner *, int) SEC(".ksyms");

static __attribute__((noinline)) int helper(struct task___local *t TAG("arg"))
{
	hidden++;
	return t->pairs[2].b + t->tail[1];
}

#define FIELD(f, kind) __builtin_preserve_field_info(t->f, kind)

SEC("raw_tp/one") int one(struct task___local *t)
{
	u64 n = t->cookie + t->name[2] + helper(t) + CONFIG_HZ + (u64)&some_symbol;

	n += FIELD(sign, 0) + FIELD(sign, 1) + FIELD(pid, 2) + FIELD(sign, 3) + FIELD(sign, 4) + FIELD(sign, 5);
	total += n + some_kfunc(&t->pairs[1], 2);
	return odd.i + origin.x;
}

SEC("raw_tp/two") int two(struct task___local *t)
{
	u64 n = __builtin_btf_type_id(*t, 0) + __builtin_btf_type_id(*t, 1);

	n += __builtin_preserve_type_info(*t, 0) + __builtin_preserve_type_info(*t, 1) + __builtin_preserve_type_info(*t, 2);
	n += __builtin_preserve_enum_value(*(enum color *)GREEN, 0) + __builtin_preserve_enum_value(*(enum color *)GREEN, 1);
	n += __builtin_preserve_enum_value(*(enum big *)HUGE, 1);
	return n + limit + (user_ptr != 0);
}

char _license[] SEC("license") = "Dual MIT/GPL";
