// SPDX-License-Identifier: GPL-2.0 OR MIT
// The types of a kernel that has moved on from what kinds.c knows.
#include "types.h"

enum color { RED = 3, GREEN = -7, BLUE = 0x7fffffff };
enum wide { LOW = 1, HIGH = 0x123456789abcdefULL };
enum became_wide { BW_A = 0x100000000ULL, BW_B = 2 };
enum shrunk { SHRUNK_A = 11 };

struct inner {
	u64 added;
	u16 b;
	u8 a;
};

union either {
	u64 whole;
	u8 part[8];
	s32 number;
};

struct list {
	struct list *next, **prev;
};

struct task {
	u64 state;
	u32 flags : 5, more : 11;
	u64 wide : 33;
	s32 sign : 9;
	u8 tiny : 1;
	struct {
		u64 pad;
		union {
			struct {
				u32 pid;
				s32 tgid;
			};
			u64 both;
		};
	};
	u64 grew;
	u16 shrank;
	s64 sgrew;
	u32 became_unsigned;
	struct inner in, pairs[5];
	const struct task *parent;
	int (*call)(struct task *, long);
	u8 name[24];
	enum color color;
	enum became_wide bw;
	union either either;
	struct list list;
	double weight;
	volatile u64 stamp;
	u32 matrix[3][4];
	u64 became_number;
	struct inner became_struct;
	u32 tail[];
};

typedef struct {
	u32 x, y, z;
} point;
typedef u64 handle;
typedef int (*callback)(struct task *, long);

struct smaller { u8 only; };
struct matching { u32 id; struct list *link; u64 extra; };
struct differing { u64 id; };
struct fallback___new { u32 a, b; };
struct empty {};
struct packed { u8 c; u64 v; } __attribute__((packed));
struct twice___1 { u32 x; };
struct twice___2 { u32 y, x; };

struct task task;
point a_point;
handle a_handle;
callback a_callback;
struct smaller smaller;
struct matching matching;
struct differing differing;
struct fallback___new fallback;
struct empty empty;
struct packed packed;
struct twice___1 twice1;
struct twice___2 twice2;
enum wide wide;
enum shrunk shrunk;
