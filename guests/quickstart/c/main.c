/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Quickstart counts packets per protocol and shows a sample of them. It builds its program from nothing:
 * a new object, three maps, and a program in assembly text whose sample rate it sets by patching one
 * instruction. It shows object_new, add, insn_asm, insn_read, insn_splice, attach_add, source_open and map_get.
 */
#include "bpfhost_util.h"

static const char program[] = {
#embed "../go/count.bpf.txt"
};

static char text[16384];
static uint64_t batch[8192];

int32_t bpfhost_describe(void)
{
	static const char *const wants[] = {
		"program xdp", "attach xdp:*", "map percpu_array", "map ringbuf", "map-rw packets",
		"helper bpf_map_lookup_elem", "helper bpf_ringbuf_reserve", "helper bpf_ringbuf_submit",
		"helper bpf_get_smp_processor_id",
	};

	BPFHOST_TRY(bpfhost_describe_as("quickstart", "1.0",
					"Counts packets per protocol on an interface and shows a sample of them."));
	BPFHOST_TRY(bpfhost_param("iface", BPFHOST_PARAM_STRING, 0, "interface to count on", 1));
	BPFHOST_TRY(bpfhost_param("netns", BPFHOST_PARAM_STRING, 0, "path of the network namespace of the interface", 0));
	BPFHOST_TRY(bpfhost_param("sample", BPFHOST_PARAM_U64, "1", "show one in so many packets of a protocol", 0));
	for (uint32_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		BPFHOST_TRY(bpfhost_request(wants[i]));
	return 0;
}

/* Puts the sample rate into the one instruction that divides by it. */
static int32_t set_sample(bpfhost_h prog)
{
	static struct bpfhost_insn insns[128];
	uint64_t rate;
	int32_t n;

	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("sample"), &rate));
	if (rate < 1 || rate > INT32_MAX) {
		bpfhost_log(BPFHOST_LOG_ERROR, BPFHOST_S("sample must be from 1 to 2147483647"));
		return -BPFHOST_E_RANGE;
	}
	BPFHOST_TRY(n = bpfhost_insn_read(prog, 0, insns, 128));
	for (int32_t i = 0; i < n; i++) {
		if (insns[i].op != 0x97) /* BPF_ALU64 | BPF_MOD | BPF_K */
			continue;
		insns[i].imm = (int64_t)rate;
		return bpfhost_insn_splice(prog, (uint32_t)i, 1, &insns[i], 1);
	}
	return -BPFHOST_E_NOENT;
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
	BPFHOST_OPEN(obj, bpfhost_object_new(BPFHOST_S("quickstart")));
	BPFHOST_TRY(bpfhost_set_object_license(obj, BPFHOST_S("Dual MIT/GPL")));
	BPFHOST_TRY(bpfhost_add_map(obj, "packets", BPFHOST_MAP_PERCPU_ARRAY, 4, 8, 256));
	BPFHOST_TRY(bpfhost_add_map(obj, "account", BPFHOST_MAP_PERCPU_ARRAY, 4, 8, 2));
	BPFHOST_TRY(bpfhost_add_map(obj, "samples", BPFHOST_MAP_RINGBUF, 0, 0, 64 << 10));
	BPFHOST_OPEN(prog, bpfhost_add_program(obj, "count", BPFHOST_PROG_XDP));
	BPFHOST_TRY(bpfhost_insn_asm(prog, 0, 0, program, sizeof(program)));
	BPFHOST_TRY(set_sample(prog));
	return attach(prog);
}

int32_t bpfhost_started(void)
{
	struct bpfhost_source_opts opts = {
		.size = sizeof(opts), .buf_ptr = (uint32_t)batch, .buf_len = sizeof(batch),
		.sent_map = bpfhost_symbol("account"), .sent_key = 0,
		.lost_map = bpfhost_symbol("account"), .lost_key = 1,
	};

	return bpfhost_source_open(BPFHOST_S("samples"), &opts, sizeof(opts));
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

/* What the program sends. */
struct sample {
	uint64_t packet;
	uint8_t source[4], dest[4];
	uint16_t length;
	uint8_t protocol, pad;
	uint32_t cpu; /* that counted it */
};

static void put_sample(struct bpfhost_buf *b, const struct sample *s, int jsonl)
{
	bpfhost_put_s(b, jsonl ? "{\"protocol\":\"" : "");
	put_protocol(b, s->protocol);
	bpfhost_put_s(b, jsonl ? "\",\"source\":\"" : " ");
	bpfhost_put_ipv4(b, s->source);
	bpfhost_put_s(b, jsonl ? "\",\"dest\":\"" : " > ");
	bpfhost_put_ipv4(b, s->dest);
	bpfhost_put_s(b, jsonl ? "\",\"bytes\":" : " ");
	bpfhost_put_u64(b, s->length);
	bpfhost_put_s(b, jsonl ? ",\"packet\":" : " bytes, packet ");
	bpfhost_put_u64(b, s->packet);
	bpfhost_put_s(b, jsonl ? ",\"cpu\":" : " on cpu ");
	bpfhost_put_u64(b, s->cpu);
	bpfhost_put_s(b, jsonl ? "}\n" : "\n");
}

int32_t bpfhost_events(bpfhost_h src, const void *ptr, uint32_t bytes, uint32_t nrec)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	int jsonl = json_lines();

	(void)src;
	BPFHOST_EACH_EVENT(e, ptr, bytes) {
		if (e->kind != BPFHOST_EVENT_DATA || e->len < sizeof(struct sample))
			continue;
		if (b.cap - b.len < 160)
			BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
		put_sample(&b, bpfhost_event_data(e), jsonl);
	}
	BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
	return (int32_t)nrec;
}

/* Prints the totals, summed over the CPUs. */
int32_t bpfhost_stop(uint32_t reason)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	int jsonl = json_lines();
	uint64_t *values = batch;
	int32_t n;

	(void)reason;
	BPFHOST_OPEN(map, bpfhost_map_open(BPFHOST_S("packets")));
	for (uint32_t proto = 0; proto < 256; proto++) {
		uint64_t sum = 0;

		BPFHOST_TRY(n = bpfhost_map_get(map, &proto, sizeof(proto), values, sizeof(batch)));
		if (n > (int32_t)sizeof(batch))
			return -BPFHOST_E_RANGE;
		for (int32_t i = 0; i < n / 8; i++)
			sum += values[i];
		if (!sum)
			continue;
		bpfhost_put_s(&b, jsonl ? "{\"protocol\":\"" : "");
		put_protocol(&b, (uint8_t)proto);
		bpfhost_put_s(&b, jsonl ? "\",\"packets\":" : ": ");
		bpfhost_put_u64(&b, sum);
		bpfhost_put_s(&b, jsonl ? "}\n" : " packets\n");
	}
	return bpfhost_flush(&b, BPFHOST_STREAM_OUT);
}
