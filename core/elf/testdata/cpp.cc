/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* What C++ writes into BTF and C has not: methods, static members, bases, references, templates. */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, t) t *name

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

static void *(*const map_lookup)(void *map, const void *key) = (void *(*)(void *, const void *))1;

struct base {
	u32 first;
};

template <class T> struct box {
	static const int limit = 4;
	T value;
	T get() const { return value; }
};

struct counter : base {
	u64 n;
	box<u32> boxed;
	int counter::*which[2];
	void inc() { ++n; }
};

struct references {
	u32 &plain;
	const u64 &constant;
};

namespace state {
enum class color : u8 { red, blue };
color last;
int counter::*chosen;
references *known;
}

extern "C" {
char _license[] SEC("license") = "GPL";

struct counters {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, counter);
} counts SEC(".maps");

__attribute__((noinline)) u64 add(counter &c, const u32 &by)
{
	c.inc();
	asm volatile("" ::: "memory");
	return c.n + by;
}

SEC("socket")
int prog(void *ctx)
{
	u32 key = 0;
	auto c = (counter *)map_lookup(&counts, &key);

	state::last = state::color::blue;
	if (!c || state::known)
		return -1;
	return add(*c, 5) + c->boxed.get() + (state::chosen == nullptr);
}
}
