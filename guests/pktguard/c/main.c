/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pktguard patches an XDP program that clang has built: it sets the configuration in .rodata, resizes the
 * block list, splices in code that lets one protocol pass unjudged, fills the block list after load, and
 * prints what is dropped. It shows object_open, var_set_path, set_u, insn_read, insn_asm, plan_note and map_put.
 */
#include "bpfhost_util.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char text[16384];
static uint64_t batch[8192];

/* The addresses to block. */
static uint8_t blocked[1024][4];
static uint32_t nblocked;

int32_t bpfhost_describe(void)
{
	static const char *const wants[] = {
		"program xdp", "attach xdp:*", "object edit",
		"map hash", "map percpu_array", "map ringbuf", "map array", "map-rw blocked", "map-rw verdicts",
		"helper bpf_map_lookup_elem", "helper bpf_ringbuf_*", "helper bpf_ktime_get_ns",
		"helper bpf_get_prandom_u32",
	};
	static const struct {
		const char *name;
		uint32_t type;
		const char *def, *doc;
		int required;
	} params[] = {
		{ "iface", BPFHOST_PARAM_STRING, 0, "interface to guard", 1 },
		{ "netns", BPFHOST_PARAM_STRING, 0, "path of the network namespace of the interface", 0 },
		{ "block", BPFHOST_PARAM_STRING, 0, "IPv4 addresses to block, separated by commas", 0 },
		{ "capacity", BPFHOST_PARAM_U64, "1024", "most addresses that the block list can hold", 0 },
		{ "skip", BPFHOST_PARAM_U64, 0, "number of an IP protocol that always passes", 0 },
		{ "sample", BPFHOST_PARAM_U64, "1", "report one in so many drops; 0 reports none", 0 },
		{ "min_len", BPFHOST_PARAM_U64, "0", "drop packets shorter than this many bytes", 0 },
		{ "fragments", BPFHOST_PARAM_BOOL, "false", "drop fragments", 0 },
		{ "dry_run", BPFHOST_PARAM_BOOL, "false", "report and count, but drop nothing", 0 },
	};

	BPFHOST_TRY(bpfhost_describe_as("pktguard", "1.0", "Drops packets from blocked addresses and reports each drop."));
	for (uint32_t i = 0; i < COUNT(params); i++)
		BPFHOST_TRY(bpfhost_param(params[i].name, params[i].type, params[i].def, params[i].doc,
					  params[i].required));
	for (uint32_t i = 0; i < COUNT(wants); i++)
		BPFHOST_TRY(bpfhost_request(wants[i]));
	return 0;
}

static int32_t refuse(const char *what, const char *s, uint32_t n)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);

	bpfhost_put_s(&b, what);
	bpfhost_put_n(&b, s, n);
	bpfhost_log_buf(&b, BPFHOST_LOG_ERROR);
	return -BPFHOST_E_INVAL;
}

static int parse_ipv4(const char *s, uint32_t n, uint8_t *addr)
{
	for (int i = 0; i < 4; i++) {
		uint32_t len = 0;
		uint64_t v;

		while (len < n && s[len] != '.')
			len++;
		if (bpfhost_parse_u64(s, len, &v) || v > 255)
			return 0;
		addr[i] = (uint8_t)v;
		if (i < 3 && len == n)
			return 0;
		s += len + (i < 3);
		n -= len + (i < 3);
	}
	return n == 0;
}

int32_t bpfhost_configure(void)
{
	static char list[sizeof(blocked) * 4];
	int32_t n = bpfhost_cfg_get(BPFHOST_S("block"), list, sizeof(list));

	if (n == -BPFHOST_E_NOENT)
		return 0;
	if (n < 0 || n > (int32_t)sizeof(list))
		return refuse("block: the list is too long", "", 0);
	for (char *s = list, *end = list + n; s < end;) {
		char *comma = s;

		while (comma < end && *comma != ',')
			comma++;
		if (nblocked == COUNT(blocked))
			return refuse("block: the list is too long", "", 0);
		if (comma > s && !parse_ipv4(s, (uint32_t)(comma - s), blocked[nblocked++]))
			return refuse("block: not an IPv4 address: ", s, (uint32_t)(comma - s));
		s = comma + 1;
	}
	return 0;
}

/* Writes the program's configuration by the names of its fields. */
static int32_t set_config(bpfhost_h obj)
{
	char flag[8];
	uint64_t v;
	int32_t n;

	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("sample"), &v));
	BPFHOST_TRY(bpfhost_var_set_path(obj, BPFHOST_S("cfg.sample"), v));
	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("min_len"), &v));
	BPFHOST_TRY(bpfhost_var_set_path(obj, BPFHOST_S("cfg.min_len"), v));
	BPFHOST_TRY(n = bpfhost_cfg_get(BPFHOST_S("fragments"), flag, sizeof(flag)));
	BPFHOST_TRY(bpfhost_var_set_path(obj, BPFHOST_S("cfg.drop_fragments"), n == 4)); /* "true" */
	BPFHOST_TRY(n = bpfhost_cfg_get(BPFHOST_S("dry_run"), flag, sizeof(flag)));
	return bpfhost_var_set_path(obj, BPFHOST_S("cfg.dry_run"), n == 4);
}

static int32_t resize(bpfhost_h obj)
{
	uint64_t capacity;

	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("capacity"), &capacity));
	if (capacity < nblocked)
		return refuse("block: more addresses than the capacity", "", 0);
	BPFHOST_OPEN(map, bpfhost_find(obj, BPFHOST_K_MAP, BPFHOST_S("blocked")));
	return bpfhost_set_map_max_entries(map, capacity);
}

/* The place of the call of a function. */
static int32_t call_of(bpfhost_h prog, const char *name)
{
	static struct bpfhost_insn insns[512];
	uint32_t sym = bpfhost_symbol(name);
	int32_t n;

	BPFHOST_TRY(n = bpfhost_insn_read(prog, 0, insns, COUNT(insns)));
	for (int32_t i = 0; i < n; i++)
		if (insns[i].ref_kind == BPFHOST_REF_FUNC && insns[i].ref == sym)
			return i;
	return -BPFHOST_E_NOENT;
}

/*
 * Puts code before the call that judges a packet. Its argument in r1 is the address of the IPv4 header; r2 is
 * free there. Jumps of the program across this place still land where they did.
 */
static int32_t skip_protocol(bpfhost_h prog)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	char number[24];
	uint64_t proto;
	int32_t at, n = bpfhost_cfg_get(BPFHOST_S("skip"), number, sizeof(number));

	if (n == -BPFHOST_E_NOENT)
		return 0;
	if (n < 0 || n > (int32_t)sizeof(number) || bpfhost_parse_u64(number, (uint32_t)n, &proto) || proto < 1 ||
	    proto > 255)
		return refuse("skip: not the number of an IP protocol: ", number, n < 0 || n > 24 ? 0 : (uint32_t)n);
	BPFHOST_TRY(at = call_of(prog, "judge"));
	bpfhost_put_s(&b, "\n\tr2 = *(u8 *)(r1 + 9)            ; protocol\n\tif r2 != ");
	bpfhost_put_u64(&b, proto);
	bpfhost_put_s(&b, " goto judge_it\n\tr0 = 2                          ; XDP_PASS\n\texit\njudge_it:\n\tr2 = 0\n");
	BPFHOST_TRY(bpfhost_insn_asm(prog, (uint32_t)at, 0, b.p, b.len));
	b.len = 0;
	bpfhost_put_s(&b, "packets of IP protocol ");
	bpfhost_put_u64(&b, proto);
	bpfhost_put_s(&b, " pass unjudged");
	return bpfhost_plan_note(prog, BPFHOST_NOTE_INFO, b.p, b.len);
}

/* Plans to attach the program to the interface that the operator named. */
static int32_t attach(bpfhost_h prog)
{
	char name[256];
	int32_t n;

	BPFHOST_OPEN(at, bpfhost_attach_add(prog, BPFHOST_ATTACH_XDP));
	BPFHOST_TRY(n = bpfhost_cfg_get(BPFHOST_S("iface"), name, sizeof(name)));
	if (n > (int32_t)sizeof(name))
		return -BPFHOST_E_RANGE;
	BPFHOST_TRY(bpfhost_set_attach_target(at, name, (uint32_t)n));
	n = bpfhost_cfg_get(BPFHOST_S("netns"), name, sizeof(name));
	if (n == -BPFHOST_E_NOENT)
		return 0;
	if (n < 0 || n > (int32_t)sizeof(name))
		return -BPFHOST_E_RANGE;
	return bpfhost_set_attach_netns(at, name, (uint32_t)n);
}

int32_t bpfhost_plan(void)
{
	BPFHOST_OPEN(obj, bpfhost_object_open("", 0));
	BPFHOST_TRY(set_config(obj));
	BPFHOST_TRY(resize(obj));
	BPFHOST_OPEN(prog, bpfhost_find(obj, BPFHOST_K_PROGRAM, BPFHOST_S("pktguard")));
	BPFHOST_TRY(skip_protocol(prog));
	return attach(prog);
}

int32_t bpfhost_loaded(void)
{
	uint64_t hits = 0;

	BPFHOST_OPEN(map, bpfhost_map_open(BPFHOST_S("blocked")));
	for (uint32_t i = 0; i < nblocked; i++)
		BPFHOST_TRY(bpfhost_map_put(map, blocked[i], 4, &hits, sizeof(hits), BPFHOST_PUT_ANY));
	return 0;
}

int32_t bpfhost_started(void)
{
	struct bpfhost_source_opts opts = {
		.size = sizeof(opts), .buf_ptr = (uint32_t)batch, .buf_len = sizeof(batch),
		.sent_map = bpfhost_symbol("account"), .sent_key = 0,
		.lost_map = bpfhost_symbol("account"), .lost_key = 1,
	};

	return bpfhost_source_open(BPFHOST_S("drops"), &opts, sizeof(opts));
}

static int json_lines(void)
{
	char v[8];

	return bpfhost_cfg_get(BPFHOST_S("output"), v, sizeof(v)) == 5 && v[0] == 'j';
}

static void put_protocol(struct bpfhost_buf *b, uint8_t n)
{
	switch (n) {
	case 1:
		bpfhost_put_s(b, "icmp");
		break;
	case 6:
		bpfhost_put_s(b, "tcp");
		break;
	case 17:
		bpfhost_put_s(b, "udp");
		break;
	default:
		bpfhost_put_s(b, "protocol-");
		bpfhost_put_u64(b, n);
	}
}

/* What the program sends: struct drop of pktguard.bpf.c. */
struct drop {
	uint64_t time;
	uint8_t source[4], dest[4];
	uint32_t reason;
	uint16_t length;
	uint8_t protocol, dry_run;
};

static const char *const reasons[] = { "passed", "blocked", "fragment", "short" };

static void put_drop(struct bpfhost_buf *b, const struct drop *d, int jsonl)
{
	bpfhost_put_s(b, jsonl ? "{\"action\":\"" : "");
	bpfhost_put_s(b, d->dry_run ? "would drop" : "dropped");
	bpfhost_put_s(b, jsonl ? "\",\"protocol\":\"" : " ");
	put_protocol(b, d->protocol);
	bpfhost_put_s(b, jsonl ? "\",\"source\":\"" : " ");
	bpfhost_put_ipv4(b, d->source);
	bpfhost_put_s(b, jsonl ? "\",\"dest\":\"" : " > ");
	bpfhost_put_ipv4(b, d->dest);
	bpfhost_put_s(b, jsonl ? "\",\"bytes\":" : " ");
	bpfhost_put_u64(b, d->length);
	bpfhost_put_s(b, jsonl ? ",\"reason\":\"" : " bytes: ");
	bpfhost_put_s(b, d->reason < COUNT(reasons) ? reasons[d->reason] : "unknown");
	bpfhost_put_s(b, jsonl ? "\"}\n" : "\n");
}

int32_t bpfhost_events(bpfhost_h src, const void *ptr, uint32_t bytes, uint32_t nrec)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	int jsonl = json_lines();

	(void)src;
	BPFHOST_EACH_EVENT(e, ptr, bytes) {
		if (e->kind != BPFHOST_EVENT_DATA || e->len < sizeof(struct drop))
			continue;
		if (b.cap - b.len < 200)
			BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
		put_drop(&b, bpfhost_event_data(e), jsonl);
	}
	BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
	return (int32_t)nrec;
}

/* Prints how many packets each verdict met, summed over the CPUs. */
int32_t bpfhost_stop(uint32_t reason)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	int jsonl = json_lines();
	uint64_t *values = batch;
	int32_t n;

	(void)reason;
	BPFHOST_OPEN(map, bpfhost_map_open(BPFHOST_S("verdicts")));
	for (uint32_t i = 0; i < COUNT(reasons); i++) {
		uint64_t sum = 0;

		BPFHOST_TRY(n = bpfhost_map_get(map, &i, sizeof(i), values, sizeof(batch)));
		if (n > (int32_t)sizeof(batch))
			return -BPFHOST_E_RANGE;
		for (int32_t j = 0; j < n / 8; j++)
			sum += values[j];
		bpfhost_put_s(&b, jsonl ? "{\"verdict\":\"" : "");
		bpfhost_put_s(&b, reasons[i]);
		bpfhost_put_s(&b, jsonl ? "\",\"packets\":" : ": ");
		bpfhost_put_u64(&b, sum);
		bpfhost_put_s(&b, jsonl ? "}\n" : " packets\n");
	}
	return bpfhost_flush(&b, BPFHOST_STREAM_OUT);
}
