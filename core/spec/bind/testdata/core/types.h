// SPDX-License-Identifier: GPL-2.0 OR MIT
// Shared by the programs of kinds.c and by what they are relocated against, target.c.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
