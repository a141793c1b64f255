// SPDX-License-Identifier: GPL-2.0 OR MIT
// Every kind of CO-RE relocation, in every kind of instruction that can have one, against types that target.c has in
// another shape.
#include "kinds.h"

char LICENSE[] SEC("license") = "GPL";

enum color { RED, GREEN, BLUE, MISSING };
enum wide { LOW, HIGH = 0x1000000000ULL };
enum became_wide { BW_A, BW_B };
enum shrunk { SHRUNK_A, SHRUNK_B };
enum lost { LOST_A };

struct inner {
	u8 a;
	u16 b;
	u32 lost;
} CORE;

union either {
	u64 whole;
	u8 part[8];
	s32 number;
} CORE;

struct list {
	struct list *next, **prev;
} CORE;

struct task___mine {
	u32 pid;
	s32 tgid;
	u64 both;
	u32 flags : 3, more : 9;
	u64 wide : 40;
	s32 sign : 5;
	u8 tiny : 2;
	u32 grew;
	u64 shrank;
	s32 sgrew;
	s32 became_unsigned;
	struct inner in, pairs[3];
	struct task___mine *parent;
	int (*call)(struct task___mine *, long);
	char name[16];
	enum color color;
	enum became_wide bw;
	union either either;
	struct list list;
	double weight;
	u64 stamp;
	u32 matrix[2][6];
	void *became_number;
	u32 became_struct;
	u64 missing;
	struct {
		u16 half;
	} nested;
	u32 tail[];
} CORE;

typedef struct {
	u32 x, y;
} point;
typedef u32 handle;
typedef int (*callback)(struct task___mine *, long);
typedef int (*other_callback)(struct task___mine *, long, long);

struct smaller { u64 only, more; } CORE;
struct matching { u32 id; struct list *link; } CORE;
struct differing { u32 id; } CORE;
struct fallback { u32 b; } CORE;
struct empty {} CORE;
struct packed { u64 v; } CORE;
struct gone { u32 x; } CORE;

SEC("raw_tp/a") u64 numbers(struct task___mine *t)
{
	return FIELD(t->pid) + FIELD(t->tgid) + FIELD(t->both) + FIELD(t->grew) + FIELD(t->shrank) + FIELD(t->sgrew) +
		FIELD(t->became_unsigned) + PLACE(t->weight) + FIELD(t->stamp) + FIELD(t->color) + FIELD(t->bw);
}

SEC("raw_tp/b") u64 bits(struct task___mine *t)
{
	return FIELD(t->flags) + FIELD(t->more) + FIELD(t->wide) + FIELD(t->sign) + FIELD(t->tiny);
}

SEC("raw_tp/c") u64 places(struct task___mine *t)
{
	return FIELD(t->in.a) + FIELD(t->in.b) + FIELD(t->pairs[2].a) + ELEMENT(t->pairs[1]) + PLACE(t->parent) +
		PLACE(t->call) + ELEMENT(t->name[7]) + ELEMENT(t->either.part[3]) + FIELD(t->either.number) +
		PLACE(t->list.prev) + ELEMENT(t->matrix[1][3]) + ELEMENT(t->tail[5]) + FIELD(t[2].pid);
}

// What is not there becomes 0 where that is asked for, and an instruction that must not be reached elsewhere.
SEC("raw_tp/d") u64 missing(struct task___mine *t)
{
	return FIELD(t->missing) + FIELD(t->in.lost) + FIELD(t->nested.half) + PLACE(t->became_number) +
		FIELD(t->became_struct) + FIELD(((struct gone *)t)->x) + ELEMENT(t->matrix[1][5]);
}

SEC("raw_tp/e") u64 loads(struct task___mine *t)
{
	return t->pid + t->tgid + t->both + t->grew + t->shrank + t->in.b + t->pairs[1].a + (u64)t->parent + t->name[3] +
		t->either.whole + (u64)t->list.next + t->stamp + t->matrix[1][2] + t->tail[2];
}

// Loads of signed numbers and of bit-fields that have another size now must not be reached.
SEC("raw_tp/f") u64 resized(struct task___mine *t)
{
	return t->sgrew + t->became_unsigned + t->bw + t->sign + t->flags + ((struct packed *)t)->v + ((struct fallback *)t)->b;
}

SEC("raw_tp/g") int stores(struct task___mine *t)
{
	t->pid = 1;
	t->grew = 2;
	t->shrank = (u64)t;
	t->in.a = 3;
	t->both = (u64)t;
	t->name[2] = 'x';
	t->missing = 4;
	return 0;
}

SEC("raw_tp/h") u64 types(void *ctx)
{
	return TYPE(struct task___mine) + TYPE(struct inner) + TYPE(union either) + TYPE(point) + TYPE(handle) + TYPE(callback) +
		TYPE(other_callback) + TYPE(struct smaller) + TYPE(struct matching) + TYPE(struct differing) + TYPE(struct fallback) +
		TYPE(struct empty) + TYPE(struct packed) + TYPE(struct gone) + TYPE(enum color) + TYPE(enum wide) +
		TYPE(enum shrunk) + TYPE(struct list);
}

SEC("raw_tp/i") u64 values(void *ctx)
{
	return VALUE(enum color, RED) + VALUE(enum color, GREEN) + VALUE(enum color, BLUE) + VALUE(enum color, MISSING) +
		VALUE(enum wide, LOW) + VALUE(enum wide, HIGH) + VALUE(enum became_wide, BW_A) + VALUE(enum became_wide, BW_B) +
		VALUE(enum shrunk, SHRUNK_A) + VALUE(enum shrunk, SHRUNK_B) + VALUE(enum lost, LOST_A);
}
