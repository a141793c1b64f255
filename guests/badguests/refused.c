// SPDX-License-Identifier: Apache-2.0
// refused plans a program p that is written in its parameters: --set text=… with ~ for the ends of
// lines, --set type=N (enum bpf_prog_type), --set license=…. With --set hook=N --set target=… it
// attaches it to a hook of that family (enum bpfhost_attach_kind). With an object it puts the text at
// the start of the object's first program instead.
#include "bpfhost.h"

#define STR(s) (s), sizeof(s) - 1

#define TRY(call) do { int32_t err_ = (call); if (err_ < 0) return err_; } while (0)

struct param { const char *name; uint32_t name_len, len; char value[512]; };

static struct param text = {STR("text"), 0, {0}}, type = {STR("type"), 0, {0}}, license = {STR("license"), 0, {0}},
	hook = {STR("hook"), 0, {0}}, target = {STR("target"), 0, {0}};
static struct param *const params[] = {&text, &type, &license, &hook, &target};

#define N_PARAMS (sizeof(params) / sizeof(params[0]))

static uint32_t number(const struct param *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->len; i++)
		n = n * 10 + (p->value[i] - '0');
	return n;
}

int32_t bpfhost_describe(void)
{
	int32_t self = bpfhost_self();

	bpfhost_set_plugin_name(self, STR("refused"));
	for (uint32_t i = 0; i < N_PARAMS; i++)
		bpfhost_add(self, BPFHOST_K_PARAM, params[i]->name, params[i]->name_len);
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("program *"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("helper *"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("helper bpf_trace_printk"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("map *"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("attach xdp:*"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("attach cgroup:*"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("attach tracepoint:*"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("object edit"));
	return 0;
}

int32_t bpfhost_configure(void)
{
	for (uint32_t i = 0; i < N_PARAMS; i++) {
		int32_t n = bpfhost_cfg_get(params[i]->name, params[i]->name_len, params[i]->value, sizeof(params[i]->value));

		params[i]->len = n < 0 || (uint32_t)n > sizeof(params[i]->value) ? 0 : n;
	}
	for (uint32_t i = 0; i < text.len; i++)
		if (text.value[i] == '~')
			text.value[i] = '\n';
	return 0;
}

int32_t bpfhost_plan(void)
{
	int32_t obj, prog, att;

	if ((obj = bpfhost_object_open(STR(""))) > 0) {
		TRY(prog = bpfhost_at(obj, BPFHOST_K_PROGRAM, 0));
		TRY(bpfhost_insn_asm(prog, 0, 0, text.value, text.len));
		return 0;
	}
	TRY(obj = bpfhost_object_new(STR("refused")));
	TRY(bpfhost_set_object_license(obj, license.value, license.len));
	TRY(prog = bpfhost_add(obj, BPFHOST_K_PROGRAM, STR("p")));
	TRY(bpfhost_set_program_type(prog, type.len ? number(&type) : 6)); // BPF_PROG_TYPE_XDP
	TRY(bpfhost_insn_asm(prog, 0, 0, text.value, text.len));
	if (hook.len) {
		TRY(att = bpfhost_attach_add(prog, number(&hook)));
		if (target.len)
			TRY(bpfhost_set_attach_target(att, target.value, target.len));
	}
	return 0;
}
