/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* The little that the objects of this directory need, so that they are built without other headers. */
#ifndef BPF_H
#define BPF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))
#define __tag(text) __attribute__((btf_decl_tag(text)))
#define __core __attribute__((preserve_access_index))

#define __uint(name, value) int (*name)[value]
#define __ulong(name, value) enum { name##_##value = value } name
#define __type(name, t) typeof(t) *name
#define __array(name, t) typeof(t) *name[]

enum {
	HASH = 1, ARRAY = 2, PROG_ARRAY = 3, PERF_EVENT_ARRAY = 4, PERCPU_ARRAY = 6, LRU_HASH = 9,
	ARRAY_OF_MAPS = 12, HASH_OF_MAPS = 13, RINGBUF = 27, BLOOM_FILTER = 30, ARENA = 33,
};

struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
};

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*const ktime)(void) = (void *)5;
static long (*const trace)(const char *fmt, u32 size, ...) = (void *)6;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*const pid_tgid)(void) = (void *)14;
static long (*const probe_read)(void *dst, u32 size, const void *src) = (void *)113;
static long (*const ringbuf_output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
static long (*const loop)(u32 count, void *callback, void *ctx, u64 flags) = (void *)181;

#endif
