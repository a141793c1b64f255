#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

struct gap {
	char a;
	char: 8;
	short: 16;
	int: 32;
	int: 32;
	int b;
	long long: 64;
	long long: 64;
	long long: 64;
	long long: 64;
	unsigned long c;
	long long: 64;
};

struct wide_gap {
	char a;
	char: 8;
	short: 16;
	int: 32;
	unsigned char __pad1[3992];
	char b;
	char: 8;
	short: 16;
	int: 32;
	unsigned char __pad2[88];
};

struct nothing {
	unsigned char __pad1[24];
};

struct empty {
};

struct bits {
	int a: 3;
	char: 4;
	int b: 2;
	char: 7;
	char: 8;
	char: 6;
	int c: 2;
	char: 1;
	int d: 31;
};

struct crossing {
	int a: 30;
	int b: 10;
	char: 8;
	char: 8;
	char c;
} __attribute__((packed));

struct old_bits {
	char: 5;
	unsigned int a: 3;
	int b;
};

struct packed {
	unsigned long a;
	int b;
	char c;
} __attribute__((packed));

struct holds_packed {
	char c;
	struct packed p;
	short: 16;
};

struct overlap {
	/* C has no such layout */
	unsigned char __pad1[8];
};

typedef struct { unsigned char bytes[16]; } __bytes16 __attribute__((aligned(16)));

typedef struct { unsigned char bytes[2]; } __bytes2 __attribute__((aligned(2)));

struct numbers {
	__bytes16 a;
	__bytes2 b;
	unsigned __int128 c;
	signed int d;
};

struct foo {
	int x;
};

struct foo___2 {
	unsigned long y;
};

struct foo;

union foo___3 {
	struct foo *p;
};

union large_union {
	int a;
	char b;
	unsigned char __pad1[24];
};

union packed_union {
	unsigned long a;
	unsigned char __pad1[9];
} __attribute__((packed));

struct core__option__Option_u32_ {
	int __0;
};

struct words {
	int register_;
	int _0;
};

struct inner {
	unsigned long next;
};

struct ms_extension {
	struct {
		unsigned long next;
	};
	unsigned long after;
};

struct self {
	unsigned char __pad1[8];
};

struct cycle_by_array {
	struct self (*p)[4];
};

enum small {
	ONE = 1,
} __attribute__((mode(QI)));

enum mid {
	MINUS = -1,
} __attribute__((mode(HI)));

enum wide {
	ONE___2 = 1ULL,
} __attribute__((mode(DI)));

enum widest {
	LOW = -9223372036854775807LL - 1,
} __attribute__((mode(DI)));

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
enum {
	false = 0,
	true = 1,
};

#endif

enum later {
	later___none = 0,
};

typedef __attribute__((btf_type_tag("user"))) int *user_int;

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
typedef _Bool bool;

#endif

typedef __attribute__((btf_type_tag("user"))) int *(*ONE___3)(struct foo *, ...);

typedef void unnamed_args(void *, void *);

enum declared_enum {
	declared_enum___none = 0,
};

struct declares {
	enum declared_enum *p;
};

_Static_assert(sizeof(struct gap) == 64, "size");
_Static_assert(__builtin_offsetof(struct gap, a) == 0, "a");
_Static_assert(__builtin_offsetof(struct gap, b) == 12, "b");
_Static_assert(__builtin_offsetof(struct gap, c) == 48, "c");
_Static_assert(sizeof(struct wide_gap) == 4096, "size");
_Static_assert(__builtin_offsetof(struct wide_gap, a) == 0, "a");
_Static_assert(__builtin_offsetof(struct wide_gap, b) == 4000, "b");
_Static_assert(sizeof(struct nothing) == 24, "size");
_Static_assert(sizeof(struct empty) == 0, "size");
_Static_assert(sizeof(struct bits) == 8, "size");
_Static_assert(sizeof(struct crossing) == 8, "size");
_Static_assert(__builtin_offsetof(struct crossing, c) == 7, "c");
_Static_assert(sizeof(struct old_bits) == 8, "size");
_Static_assert(__builtin_offsetof(struct old_bits, b) == 4, "b");
_Static_assert(sizeof(struct packed) == 13, "size");
_Static_assert(__builtin_offsetof(struct packed, a) == 0, "a");
_Static_assert(__builtin_offsetof(struct packed, b) == 8, "b");
_Static_assert(__builtin_offsetof(struct packed, c) == 12, "c");
_Static_assert(sizeof(struct holds_packed) == 16, "size");
_Static_assert(__builtin_offsetof(struct holds_packed, c) == 0, "c");
_Static_assert(__builtin_offsetof(struct holds_packed, p) == 1, "p");
_Static_assert(sizeof(struct overlap) == 8, "size");
_Static_assert(sizeof(struct numbers) == 64, "size");
_Static_assert(__builtin_offsetof(struct numbers, a) == 0, "a");
_Static_assert(__builtin_offsetof(struct numbers, b) == 16, "b");
_Static_assert(__builtin_offsetof(struct numbers, c) == 32, "c");
_Static_assert(__builtin_offsetof(struct numbers, d) == 48, "d");
_Static_assert(sizeof(struct foo) == 4, "size");
_Static_assert(__builtin_offsetof(struct foo, x) == 0, "x");
_Static_assert(sizeof(struct foo___2) == 8, "size");
_Static_assert(__builtin_offsetof(struct foo___2, y) == 0, "y");
_Static_assert(sizeof(union foo___3) == 8, "size");
_Static_assert(__builtin_offsetof(union foo___3, p) == 0, "p");
_Static_assert(sizeof(union large_union) == 24, "size");
_Static_assert(__builtin_offsetof(union large_union, a) == 0, "a");
_Static_assert(__builtin_offsetof(union large_union, b) == 0, "b");
_Static_assert(sizeof(union packed_union) == 9, "size");
_Static_assert(__builtin_offsetof(union packed_union, a) == 0, "a");
_Static_assert(sizeof(struct core__option__Option_u32_) == 4, "size");
_Static_assert(__builtin_offsetof(struct core__option__Option_u32_, __0) == 0, "__0");
_Static_assert(sizeof(struct words) == 8, "size");
_Static_assert(__builtin_offsetof(struct words, register_) == 0, "register_");
_Static_assert(__builtin_offsetof(struct words, _0) == 4, "_0");
_Static_assert(sizeof(struct inner) == 8, "size");
_Static_assert(__builtin_offsetof(struct inner, next) == 0, "next");
_Static_assert(sizeof(struct ms_extension) == 16, "size");
_Static_assert(__builtin_offsetof(struct ms_extension, after) == 8, "after");
_Static_assert(sizeof(struct self) == 8, "size");
_Static_assert(sizeof(struct cycle_by_array) == 8, "size");
_Static_assert(__builtin_offsetof(struct cycle_by_array, p) == 0, "p");
_Static_assert(sizeof(struct declares) == 8, "size");
_Static_assert(__builtin_offsetof(struct declares, p) == 0, "p");

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
