// SPDX-License-Identifier: Apache-2.0
// hostile plans a program p, and a map m, that its parameters describe, and asks for all that it could
// need: --set text=… with ~ for the ends of lines, type=N and attach_type=N (enum bpf_prog_type,
// bpf_attach_type), attach_to=…, map=N (enum bpf_map_type), entries=N; with hook=N (enum
// bpfhost_attach_kind) it is attached to target=…, netns=…. With an object it attaches the object's first
// program instead.
#include "bpfhost.h"

#define STR(s) (s), sizeof(s) - 1

#define TRY(call) do { int32_t err_ = (call); if (err_ < 0) return err_; } while (0)

struct param { const char *name; uint32_t name_len, len; char value[512]; };

#define PARAM(name) {STR(name), 0, {0}}

static struct param text = PARAM("text"), type = PARAM("type"), attach_type = PARAM("attach_type"), attach_to = PARAM("attach_to"),
	hook = PARAM("hook"), target = PARAM("target"), netns = PARAM("netns"), map = PARAM("map"), entries = PARAM("entries");
static struct param *const params[] = {&text, &type, &attach_type, &attach_to, &hook, &target, &netns, &map, &entries};

#define N_PARAMS (sizeof(params) / sizeof(params[0]))

static uint32_t number(const struct param *p, uint32_t otherwise)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->len; i++)
		n = n * 10 + (p->value[i] - '0');
	return p->len ? n : otherwise;
}

static void request(int32_t self, const char *text, uint32_t len)
{
	bpfhost_add(self, BPFHOST_K_REQUEST, text, len);
}

int32_t bpfhost_describe(void)
{
	int32_t self = bpfhost_self();

	bpfhost_set_plugin_name(self, STR("hostile"));
	for (uint32_t i = 0; i < N_PARAMS; i++)
		bpfhost_add(self, BPFHOST_K_PARAM, params[i]->name, params[i]->name_len);
	request(self, STR("program *"));
	request(self, STR("program lsm"));
	request(self, STR("map *"));
	request(self, STR("helper *"));
	request(self, STR("kfunc *"));
	request(self, STR("kfunc bpf_send_signal_task"));
	request(self, STR("kfunc bpf_sock_destroy"));
	request(self, STR("kfunc bpf_set_dentry_xattr"));
	request(self, STR("ksym *"));
	request(self, STR("attach *"));
	request(self, STR("object edit"));
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

static int32_t add_map(int32_t obj)
{
	int32_t m;

	TRY(m = bpfhost_add(obj, BPFHOST_K_MAP, STR("m")));
	TRY(bpfhost_set_map_type(m, number(&map, 0)));
	TRY(bpfhost_set_map_key_size(m, 4));
	TRY(bpfhost_set_map_value_size(m, 8));
	return bpfhost_set_map_max_entries(m, number(&entries, 1));
}

static int32_t attach(int32_t prog)
{
	int32_t att;

	if (!hook.len)
		return 0;
	TRY(att = bpfhost_attach_add(prog, number(&hook, 0)));
	if (target.len)
		TRY(bpfhost_set_attach_target(att, target.value, target.len));
	if (netns.len)
		TRY(bpfhost_set_attach_netns(att, netns.value, netns.len));
	return 0;
}

int32_t bpfhost_plan(void)
{
	int32_t obj, prog;

	if ((obj = bpfhost_object_open(STR(""))) > 0) {
		TRY(prog = bpfhost_at(obj, BPFHOST_K_PROGRAM, 0));
		return attach(prog);
	}
	TRY(obj = bpfhost_object_new(STR("hostile")));
	TRY(bpfhost_set_object_license(obj, STR("GPL")));
	if (map.len)
		TRY(add_map(obj));
	if (!type.len)
		return 0;
	TRY(prog = bpfhost_add(obj, BPFHOST_K_PROGRAM, STR("p")));
	TRY(bpfhost_set_program_type(prog, number(&type, 0)));
	if (attach_type.len)
		TRY(bpfhost_set_program_attach_type(prog, number(&attach_type, 0)));
	if (attach_to.len)
		TRY(bpfhost_set_program_attach_to(prog, attach_to.value, attach_to.len));
	if (text.len)
		TRY(bpfhost_insn_asm(prog, 0, 0, text.value, text.len));
	else
		TRY(bpfhost_insn_asm(prog, 0, 0, STR("r0 = 0\nexit\n")));
	return attach(prog);
}
