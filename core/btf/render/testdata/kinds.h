#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef unsigned int u32;

typedef unsigned long long u64;

struct inner {
	char a;
	short b;
};

struct unseen;

union undone;

struct task___local;

enum color {
	RED = 0,
	GREEN = 5,
	BLUE = -1,
};

struct task___local {
	int pid;
	u32 flags: 3;
	u32 more: 9;
	int sign: 5;
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
	int (*call)(struct task___local *, int, ...);
	enum color color;
	double weight;
	int tail[0];
};

struct map {
	int (*type)[2];
	u32 *key;
	struct task___local *value;
};

enum big {
	SMALL = 0ULL,
	HUGE = 4886718345ULL,
};

typedef struct {
	int x;
} point;

struct packed {
	char c;
	int i;
} __attribute__((packed));

_Static_assert(sizeof(struct inner) == 4, "size");
_Static_assert(__builtin_offsetof(struct inner, a) == 0, "a");
_Static_assert(__builtin_offsetof(struct inner, b) == 2, "b");
_Static_assert(sizeof(struct task___local) == 88, "size");
_Static_assert(__builtin_offsetof(struct task___local, pid) == 0, "pid");
_Static_assert(__builtin_offsetof(struct task___local, pairs) == 24, "pairs");
_Static_assert(__builtin_offsetof(struct task___local, comm) == 40, "comm");
_Static_assert(__builtin_offsetof(struct task___local, next) == 48, "next");
_Static_assert(__builtin_offsetof(struct task___local, other) == 56, "other");
_Static_assert(__builtin_offsetof(struct task___local, call) == 64, "call");
_Static_assert(__builtin_offsetof(struct task___local, color) == 72, "color");
_Static_assert(__builtin_offsetof(struct task___local, weight) == 80, "weight");
_Static_assert(__builtin_offsetof(struct task___local, tail) == 88, "tail");
_Static_assert(sizeof(struct map) == 24, "size");
_Static_assert(__builtin_offsetof(struct map, type) == 0, "type");
_Static_assert(__builtin_offsetof(struct map, key) == 8, "key");
_Static_assert(__builtin_offsetof(struct map, value) == 16, "value");
_Static_assert(sizeof(struct packed) == 5, "size");
_Static_assert(__builtin_offsetof(struct packed, c) == 0, "c");
_Static_assert(__builtin_offsetof(struct packed, i) == 1, "i");

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
