/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Helpers on top of bpfhost.h that most plugins in C want: text, output, errors, batches of events, parameters
 * and instruction records. Freestanding; everything is static inline, so what is not used costs nothing.
 */
#ifndef BPFHOST_UTIL_H
#define BPFHOST_UTIL_H

#include "bpfhost.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef __wasm_bulk_memory__
/* The compiler calls these for copies that it makes; with -mbulk-memory it has an instruction. */
__attribute__((weak, no_builtin)) void *memcpy(void *dst, const void *src, __SIZE_TYPE__ n)
{
	char *d = (char *)dst;
	const char *s = (const char *)src;

	while (n--)
		*d++ = *s++;
	return dst;
}

__attribute__((weak, no_builtin)) void *memset(void *dst, int c, __SIZE_TYPE__ n)
{
	char *d = (char *)dst;

	while (n--)
		*d++ = (char)c;
	return dst;
}
#endif

/* A string literal as pointer and length: bpfhost_log(BPFHOST_LOG_INFO, BPFHOST_S("ready")). */
#define BPFHOST_S(literal) literal, (uint32_t)(sizeof(literal) - 1)

/* Leaves the function with the result of a call that failed. */
#define BPFHOST_TRY(call)                                                                                              \
	do {                                                                                                           \
		int32_t bpfhost_rc_ = (call);                                                                          \
		if (bpfhost_rc_ < 0)                                                                                   \
			return bpfhost_rc_;                                                                            \
	} while (0)

/* Declares a handle and has it name the result of a call, or leaves the function with its error. */
#define BPFHOST_OPEN(name, call)                                                                                       \
	bpfhost_h name;                                                                                                \
	do {                                                                                                           \
		int32_t bpfhost_rc_ = (call);                                                                          \
		if (bpfhost_rc_ < 0)                                                                                   \
			return bpfhost_rc_;                                                                            \
		name = (bpfhost_h)bpfhost_rc_;                                                                         \
	} while (0)

/* Text that is being put together. What does not fit is cut off, and full is set. */
struct bpfhost_buf {
	char *p;
	uint32_t cap, len;
	uint32_t full;
};

/* A buffer over a char array. */
#define BPFHOST_BUF(array) { (array), (uint32_t)sizeof(array), 0, 0 }

static inline void bpfhost_put(struct bpfhost_buf *b, char c)
{
	if (b->len < b->cap)
		b->p[b->len++] = c;
	else
		b->full = 1;
}

static inline void bpfhost_put_n(struct bpfhost_buf *b, const char *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bpfhost_put(b, s[i]);
}

/* Text that ends with NUL. */
static inline void bpfhost_put_s(struct bpfhost_buf *b, const char *s)
{
	while (*s)
		bpfhost_put(b, *s++);
}

static inline void bpfhost_put_u64(struct bpfhost_buf *b, uint64_t v)
{
	char digits[20];
	uint32_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		bpfhost_put(b, digits[--n]);
}

static inline void bpfhost_put_i64(struct bpfhost_buf *b, int64_t v)
{
	if (v < 0)
		bpfhost_put(b, '-');
	bpfhost_put_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* The low digits of v in hexadecimal, as many as asked for. */
static inline void bpfhost_put_hex(struct bpfhost_buf *b, uint64_t v, uint32_t digits)
{
	while (digits--)
		bpfhost_put(b, "0123456789abcdef"[v >> 4 * digits & 15]);
}

/* Four bytes in network order as 192.0.2.1. */
static inline void bpfhost_put_ipv4(struct bpfhost_buf *b, const uint8_t *addr)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			bpfhost_put(b, '.');
		bpfhost_put_u64(b, addr[i]);
	}
}

/* At most n bytes, or up to a NUL, as a JSON string. Bytes that are not ASCII become "?". */
static inline void bpfhost_put_json(struct bpfhost_buf *b, const char *s, uint32_t n)
{
	bpfhost_put(b, '"');
	for (; n && *s; n--, s++) {
		uint8_t c = (uint8_t)*s;

		if (c == '"' || c == '\\')
			bpfhost_put(b, '\\');
		if (c < 0x20) {
			bpfhost_put_s(b, "\\u00");
			bpfhost_put_hex(b, c, 2);
		} else {
			bpfhost_put(b, c < 0x7f ? (char)c : '?');
		}
	}
	bpfhost_put(b, '"');
}

/* Writes the text to a stream and empties the buffer. */
static inline int32_t bpfhost_flush(struct bpfhost_buf *b, uint32_t stream)
{
	uint32_t n = b->len;

	b->len = b->full = 0;
	return n ? bpfhost_out_write(stream, b->p, n) : 0;
}

/* Writes the text to the log and empties the buffer. */
static inline int32_t bpfhost_log_buf(struct bpfhost_buf *b, uint32_t level)
{
	uint32_t n = b->len;

	b->len = b->full = 0;
	return bpfhost_log(level, b->p, n);
}

/* Reads a decimal number, or a hexadecimal one after 0x. Returns 0, or -BPFHOST_E_INVAL or -BPFHOST_E_RANGE. */
static inline int32_t bpfhost_parse_u64(const char *s, uint32_t n, uint64_t *out)
{
	uint64_t v = 0, base = 10;

	if (n > 2 && s[0] == '0' && (s[1] | 32) == 'x') {
		base = 16;
		s += 2;
		n -= 2;
	}
	if (!n)
		return -BPFHOST_E_INVAL;
	for (; n; n--, s++) {
		uint32_t d = (uint8_t)*s - (uint32_t)'0';

		if (d > 9) {
			d = ((uint8_t)*s | 32u) - (uint32_t)'a' + 10;
			if (d < 10)
				return -BPFHOST_E_INVAL;
		}
		if (d >= base)
			return -BPFHOST_E_INVAL;
		if (v > (UINT64_MAX - d) / base)
			return -BPFHOST_E_RANGE;
		v = v * base + d;
	}
	*out = v;
	return 0;
}

/* The value of a numeric parameter. */
static inline int32_t bpfhost_cfg_u64(const char *key, uint32_t key_len, uint64_t *out)
{
	char text[24];
	int32_t n = bpfhost_cfg_get(key, key_len, text, sizeof(text));

	if (n < 0)
		return n;
	if (n > (int32_t)sizeof(text))
		return -BPFHOST_E_RANGE;
	return bpfhost_parse_u64(text, (uint32_t)n, out);
}

/* Length of text that ends with NUL. */
static inline uint32_t bpfhost_len(const char *s)
{
	uint32_t n = 0;

	while (s[n])
		n++;
	return n;
}

/* Says who the plugin is. */
static inline int32_t bpfhost_describe_as(const char *name, const char *version, const char *doc)
{
	BPFHOST_OPEN(self, bpfhost_self());
	BPFHOST_TRY(bpfhost_set_plugin_name(self, name, bpfhost_len(name)));
	BPFHOST_TRY(bpfhost_set_plugin_version(self, version, bpfhost_len(version)));
	return bpfhost_set_plugin_doc(self, doc, bpfhost_len(doc));
}

/* Declares a parameter. No default (NULL) together with required means that the operator has to set one. */
static inline int32_t bpfhost_param(const char *name, uint32_t type, const char *def, const char *doc, int required)
{
	BPFHOST_OPEN(self, bpfhost_self());
	BPFHOST_OPEN(h, bpfhost_add(self, BPFHOST_K_PARAM, name, bpfhost_len(name)));
	BPFHOST_TRY(bpfhost_set_param_type(h, type));
	if (def)
		BPFHOST_TRY(bpfhost_set_param_default(h, def, bpfhost_len(def)));
	BPFHOST_TRY(bpfhost_set_param_doc(h, doc, bpfhost_len(doc)));
	return bpfhost_set_param_required(h, required != 0);
}

/* Declares one thing that the plugin needs, in policy words like "program xdp". */
static inline int32_t bpfhost_request(const char *text)
{
	BPFHOST_OPEN(self, bpfhost_self());
	return bpfhost_add(self, BPFHOST_K_REQUEST, text, bpfhost_len(text));
}

/*
 * Declares a name of program sections in objects. One that ends in "+" may be followed by a slash and what to
 * attach to: "guard+" for SEC("guard/file_open"). It counts where the host knows no such section itself.
 */
static inline int32_t bpfhost_section(const char *name, uint32_t type, uint32_t attach_type, uint32_t flags)
{
	BPFHOST_OPEN(self, bpfhost_self());
	BPFHOST_OPEN(h, bpfhost_add(self, BPFHOST_K_SECTION, name, bpfhost_len(name)));
	BPFHOST_TRY(bpfhost_set_section_type(h, type));
	BPFHOST_TRY(bpfhost_set_section_attach_type(h, attach_type));
	return bpfhost_set_section_flags(h, flags);
}

/* Adds a map; sizes are bytes. Returns its handle. */
static inline int32_t bpfhost_add_map(bpfhost_h obj, const char *name, uint32_t type, uint32_t key_size,
				      uint32_t value_size, uint32_t max_entries)
{
	BPFHOST_OPEN(h, bpfhost_add(obj, BPFHOST_K_MAP, name, bpfhost_len(name)));
	BPFHOST_TRY(bpfhost_set_map_type(h, type));
	BPFHOST_TRY(bpfhost_set_map_key_size(h, key_size));
	BPFHOST_TRY(bpfhost_set_map_value_size(h, value_size));
	BPFHOST_TRY(bpfhost_set_map_max_entries(h, max_entries));
	return (int32_t)h;
}

/* Adds a program without instructions. Returns its handle. */
static inline int32_t bpfhost_add_program(bpfhost_h obj, const char *name, uint32_t type)
{
	BPFHOST_OPEN(h, bpfhost_add(obj, BPFHOST_K_PROGRAM, name, bpfhost_len(name)));
	BPFHOST_TRY(bpfhost_set_program_type(h, type));
	return (int32_t)h;
}

/* The symbol of a name, 0 if the host has no room for it: an instruction with it is then refused. */
static inline uint32_t bpfhost_symbol(const char *name)
{
	int32_t id = bpfhost_sym(name, bpfhost_len(name));

	return id < 0 ? 0 : (uint32_t)id;
}

/* The event behind e, whose payload is padded to 8 bytes. */
static inline const struct bpfhost_event *bpfhost_event_next(const struct bpfhost_event *e)
{
	return (const struct bpfhost_event *)((const char *)(e + 1) + ((e->len + 7) & ~7u));
}

/* The payload of an event. */
static inline const void *bpfhost_event_data(const struct bpfhost_event *e) { return e + 1; }

/* Walks a batch as bpfhost_events gets it. */
#define BPFHOST_EACH_EVENT(e, ptr, bytes)                                                                              \
	for (const struct bpfhost_event *e = (const struct bpfhost_event *)(ptr),                                      \
					*e##_end = (const struct bpfhost_event *)((const char *)(ptr) + (bytes));      \
	     e < e##_end; e = bpfhost_event_next(e))

/*
 * Fields of an instruction record; put them in braces, with a label where something jumps to:
 *
 *	struct bpfhost_insn code[] = {
 *		{ BPFHOST_LDX(BPFHOST_W, 2, 1, 0) },
 *		{ BPFHOST_JMP_IMM(BPFHOST_JEQ, 2, 0, out) },
 *		…
 *		{ BPFHOST_EXIT, .label = out },
 *	};
 *
 * Labels of a bpfhost_insn_splice of its own start at BPFHOST_LABEL_LOCAL. Operations and sizes are those of RFC 9669.
 */
#define BPFHOST_MOV_IMM(d, v) .op = 0xb7, .dst = (d), .imm = (v)
#define BPFHOST_MOV_REG(d, s) .op = 0xbf, .dst = (d), .src = (s)
#define BPFHOST_ALU_IMM(operation, d, v) .op = 0x07 | (operation), .dst = (d), .imm = (v)
#define BPFHOST_ALU_REG(operation, d, s) .op = 0x0f | (operation), .dst = (d), .src = (s)
#define BPFHOST_LD_IMM64(d, v) .op = 0x18, .dst = (d), .imm = (int64_t)(v)
#define BPFHOST_LD_MAP(d, sym) .op = 0x18, .dst = (d), .src = 1, .ref_kind = BPFHOST_REF_MAP, .ref = (sym)
#define BPFHOST_LD_VAR(d, sym) .op = 0x18, .dst = (d), .src = 2, .ref_kind = BPFHOST_REF_VAR, .ref = (sym)
#define BPFHOST_LDX(size, d, s, o) .op = 0x61 | (size), .dst = (d), .src = (s), .off = (o)
#define BPFHOST_ST_IMM(size, d, o, v) .op = 0x62 | (size), .dst = (d), .off = (o), .imm = (v)
#define BPFHOST_STX(size, d, o, s) .op = 0x63 | (size), .dst = (d), .src = (s), .off = (o)
#define BPFHOST_ATOMIC_ADD(size, d, o, s) .op = 0xc3 | (size), .dst = (d), .src = (s), .off = (o)
#define BPFHOST_JMP_IMM(operation, d, v, to)                                                                           \
	.op = 0x05 | (operation), .dst = (d), .imm = (v), .ref_kind = BPFHOST_REF_LABEL, .ref = (to)
#define BPFHOST_JMP_REG(operation, d, s, to)                                                                           \
	.op = 0x0d | (operation), .dst = (d), .src = (s), .ref_kind = BPFHOST_REF_LABEL, .ref = (to)
#define BPFHOST_JA(to) .op = 0x05, .ref_kind = BPFHOST_REF_LABEL, .ref = (to)
#define BPFHOST_CALL(helper) .op = 0x85, .imm = (helper)
#define BPFHOST_EXIT .op = 0x95

/* Sizes of a memory access. */
enum { BPFHOST_W = 0x00, BPFHOST_HW = 0x08, BPFHOST_B = 0x10, BPFHOST_DW = 0x18 };

/* Arithmetic on 64 bits. */
enum {
	BPFHOST_ADD = 0x00, BPFHOST_SUB = 0x10, BPFHOST_MUL = 0x20, BPFHOST_DIV = 0x30, BPFHOST_OR = 0x40,
	BPFHOST_AND = 0x50, BPFHOST_LSH = 0x60, BPFHOST_RSH = 0x70, BPFHOST_MOD = 0x90, BPFHOST_XOR = 0xa0,
	BPFHOST_ARSH = 0xc0,
};

/* Conditions. */
enum {
	BPFHOST_JEQ = 0x10, BPFHOST_JGT = 0x20, BPFHOST_JGE = 0x30, BPFHOST_JSET = 0x40, BPFHOST_JNE = 0x50,
	BPFHOST_JSGT = 0x60, BPFHOST_JSGE = 0x70, BPFHOST_JLT = 0xa0, BPFHOST_JLE = 0xb0, BPFHOST_JSLT = 0xc0,
	BPFHOST_JSLE = 0xd0,
};

#ifdef __cplusplus
}
#endif

#endif /* BPFHOST_UTIL_H */
