/* Tiny is a whole plugin: a program in assembly text, attached, whose events are printed. */
#include "bpfhost_util.h"

static char text[4096];
static uint64_t batch[8192];

int32_t bpfhost_describe(void)
{
	BPFHOST_TRY(bpfhost_describe_as("tiny", "1.0.0", "Lets packets pass."));
	return bpfhost_request("program xdp");
}

int32_t bpfhost_plan(void)
{
	BPFHOST_OPEN(obj, bpfhost_object_new(BPFHOST_S("tiny")));
	BPFHOST_OPEN(prog, bpfhost_add_program(obj, "pass", BPFHOST_PROG_XDP));
	BPFHOST_TRY(bpfhost_insn_asm(prog, 0, 0, BPFHOST_S("r0 = 2\nexit\n")));
	BPFHOST_OPEN(att, bpfhost_attach_add(prog, BPFHOST_ATTACH_XDP));
	return bpfhost_set_attach_target(att, BPFHOST_S("eth0"));
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
		bpfhost_put_u64(&b, e->seq);
		bpfhost_put(&b, '\n');
	}
	BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
	return (int32_t)nrec;
}
