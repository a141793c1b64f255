/* Minimal is a guest that calls most of the helpers, for tests of what the SDK leaves in a module. */
#include "bpfhost_util.h"

static char text[4096];
static uint64_t batch[8192];

int32_t bpfhost_describe(void)
{
	BPFHOST_TRY(bpfhost_describe_as("minimal", "1.0.0", "Counts packets."));
	BPFHOST_TRY(bpfhost_param("interface", BPFHOST_PARAM_STRING, 0, "Where to attach.", 1));
	BPFHOST_TRY(bpfhost_section("guard+", BPFHOST_PROG_LSM, BPFHOST_AT_LSM_MAC, 16));
	return bpfhost_request("program xdp");
}

int32_t bpfhost_plan(void)
{
	const uint32_t out = BPFHOST_LABEL_LOCAL;
	char dev[16];
	int32_t n;

	BPFHOST_OPEN(obj, bpfhost_object_new(BPFHOST_S("minimal")));
	BPFHOST_TRY(bpfhost_set_object_license(obj, BPFHOST_S("GPL")));
	BPFHOST_TRY(bpfhost_add_map(obj, "counts", BPFHOST_MAP_ARRAY, 4, 8, 1));
	BPFHOST_OPEN(prog, bpfhost_add_program(obj, "pass", BPFHOST_PROG_XDP));

	struct bpfhost_insn code[] = {
		{ BPFHOST_ST_IMM(BPFHOST_W, 10, -4, 0) },
		{ BPFHOST_MOV_REG(2, 10) },
		{ BPFHOST_ALU_IMM(BPFHOST_ADD, 2, -4) },
		{ BPFHOST_LD_MAP(1, bpfhost_symbol("counts")) },
		{ BPFHOST_CALL(1) },
		{ BPFHOST_JMP_IMM(BPFHOST_JEQ, 0, 0, out) },
		{ BPFHOST_MOV_IMM(1, 1) },
		{ BPFHOST_ATOMIC_ADD(BPFHOST_DW, 0, 0, 1) },
		{ BPFHOST_MOV_IMM(0, 2), .label = out },
		{ BPFHOST_EXIT },
	};
	BPFHOST_TRY(bpfhost_insn_splice(prog, 0, 0, code, sizeof(code) / sizeof(code[0])));

	n = bpfhost_cfg_get(BPFHOST_S("interface"), dev, sizeof(dev));
	if (n < 0 || n > (int32_t)sizeof(dev))
		return -BPFHOST_E_INVAL;
	BPFHOST_OPEN(att, bpfhost_attach_add(prog, BPFHOST_ATTACH_XDP));
	return bpfhost_set_attach_target(att, dev, (uint32_t)n);
}

int32_t bpfhost_started(void)
{
	struct bpfhost_source_opts opts = { .size = sizeof(opts), .buf_ptr = (uint32_t)batch, .buf_len = sizeof(batch) };

	return bpfhost_source_open(BPFHOST_S("events"), &opts, sizeof(opts));
}

int32_t bpfhost_events(bpfhost_h src, const void *ptr, uint32_t bytes, uint32_t nrec)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);

	(void)src;
	BPFHOST_EACH_EVENT(e, ptr, bytes) {
		bpfhost_put_s(&b, "{\"seq\":");
		bpfhost_put_u64(&b, e->seq);
		bpfhost_put_s(&b, ",\"data\":");
		bpfhost_put_json(&b, (const char *)bpfhost_event_data(e), e->len);
		bpfhost_put_s(&b, "}\n");
	}
	BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
	return (int32_t)nrec;
}
