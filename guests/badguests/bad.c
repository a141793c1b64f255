// SPDX-License-Identifier: Apache-2.0
// bad is the plugin of the test scripts that misbehaves on request: --set do=WORD. Without a word it
// attaches an XDP program that lets everything pass, and waits.
#include "bpfhost.h"

#define STR(s) (s), sizeof(s) - 1

#define TRY(call) do { int32_t err_ = (call); if (err_ < 0) return err_; } while (0)

static char word[32], iface[32], netns[128];
static uint32_t word_len, iface_len, netns_len;

static int doing(const char *s)
{
	uint32_t i;

	for (i = 0; i < word_len && s[i] == word[i]; i++)
		;
	return i == word_len && s[i] == 0;
}

static uint32_t config(const char *key, uint32_t len, char *buf, uint32_t cap)
{
	int32_t n = bpfhost_cfg_get(key, len, buf, cap);

	return n < 0 || (uint32_t)n > cap ? 0 : n;
}

static void request(int32_t self, const char *text, uint32_t len)
{
	bpfhost_add(self, BPFHOST_K_REQUEST, text, len);
}

int32_t bpfhost_describe(void)
{
	int32_t self = bpfhost_self();

	bpfhost_set_plugin_name(self, STR("bad"));
	bpfhost_set_plugin_version(self, STR("1.0"));
	bpfhost_set_plugin_doc(self, STR("Misbehaves on request."));
	bpfhost_add(self, BPFHOST_K_PARAM, STR("do"));
	bpfhost_add(self, BPFHOST_K_PARAM, STR("iface"));
	bpfhost_add(self, BPFHOST_K_PARAM, STR("netns"));
	request(self, STR("program xdp"));
	request(self, STR("attach xdp:*"));
	request(self, STR("object edit"));
	request(self, STR("helper bpf_probe_write_user"));
	request(self, STR("map array"));
	request(self, STR("map-rw counts"));
	return 0;
}

int32_t bpfhost_configure(void)
{
	word_len = config(STR("do"), word, sizeof(word));
	iface_len = config(STR("iface"), iface, sizeof(iface));
	netns_len = config(STR("netns"), netns, sizeof(netns));
	if (doing("loop"))
		bpfhost_log(BPFHOST_LOG_INFO, STR("the plan will loop"));
	return 0;
}

// build makes the object: one map, one program, one attachment if there is an interface.
static int32_t build(const char *text, uint32_t len)
{
	int32_t obj, map, prog, att;

	TRY(obj = bpfhost_object_new(STR("bad")));
	TRY(map = bpfhost_add(obj, BPFHOST_K_MAP, STR("counts")));
	TRY(bpfhost_set_map_type(map, 2)); // BPF_MAP_TYPE_ARRAY
	TRY(bpfhost_set_map_key_size(map, 4));
	TRY(bpfhost_set_map_value_size(map, 8));
	TRY(bpfhost_set_map_max_entries(map, 1));
	TRY(prog = bpfhost_add(obj, BPFHOST_K_PROGRAM, STR("pass")));
	TRY(bpfhost_set_program_type(prog, 6)); // BPF_PROG_TYPE_XDP
	TRY(bpfhost_insn_asm(prog, 0, 0, text, len));
	if (!iface_len)
		return prog;
	TRY(att = bpfhost_attach_add(prog, BPFHOST_ATTACH_XDP));
	TRY(bpfhost_set_attach_target(att, iface, iface_len));
	if (netns_len)
		TRY(bpfhost_set_attach_netns(att, netns, netns_len));
	return prog;
}

static int32_t misbehave(int32_t prog)
{
	uint64_t v;

	if (doing("fail"))
		return -BPFHOST_E_STATE;
	if (doing("trap"))
		__builtin_trap();
	if (doing("loop"))
		for (;;)
			__asm__ volatile("");
	if (doing("badptr"))
		return bpfhost_insn_read(prog, 0, (void *)0xfffffff0, 4);
	if (doing("handle"))
		return bpfhost_get_program_type(prog + 0x10000, &v);
	if (doing("kind"))
		return bpfhost_get_program_type(bpfhost_self(), &v);
	if (doing("phase"))
		return bpfhost_map_open(STR("counts"));
	if (doing("escape")) {
		bpfhost_log(BPFHOST_LOG_WARN, STR("\033[2Jcleared\r\nbpfhost: forged line"));
		return bpfhost_plan_note(0, BPFHOST_NOTE_WARN, STR("\033]0;title\007 and \xe2\x80\xae reversed"));
	}
	return 0;
}

// show_args makes notes of the arguments behind --.
static int32_t show_args(void)
{
	static char key[] = "args.0", value[64];
	int32_t n;

	for (; key[5] <= '9'; key[5]++) {
		n = bpfhost_cfg_get(key, sizeof(key) - 1, value, sizeof(value));
		if (n == -BPFHOST_E_NOENT)
			return 0;
		TRY(n);
		TRY(bpfhost_plan_note(0, BPFHOST_NOTE_INFO, value, (uint32_t)n));
	}
	return 0;
}

int32_t bpfhost_plan(void)
{
	int32_t prog;

	if (doing("args"))
		return show_args();
	if (doing("write_user"))
		prog = build(STR("r1 = 0\nr2 = 0\nr3 = 0\ncall bpf_probe_write_user\nr0 = 2\nexit\n"));
	else if (doing("undeclared"))
		prog = build(STR("call bpf_get_smp_processor_id\nr0 = 2\nexit\n"));
	else if (doing("header")) /* of variable length */
		prog = build(STR("r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 20\nif r2 > r7 goto out\n"
				 "r3 = *(u8 *)(r6 + 0)\nr3 &= 15\nr6 += r3\nr4 = r6\nr4 += 4\nif r4 > r7 goto out\n"
				 "r5 = *(u8 *)(r6 + 0)\nout:\nr0 = 2\nexit\n"));
	else if (doing("verifier"))
		prog = build(STR("r2 = 0\nr0 = *(u64 *)(r2 + 0)\nexit\n"));
	else
		prog = build(STR("r0 = 2\nexit\n"));
	return prog < 0 ? prog : misbehave(prog);
}

int32_t bpfhost_loaded(void)
{
	return doing("loaded") ? -BPFHOST_E_STATE : 0;
}

int32_t bpfhost_started(void)
{
	if (doing("started"))
		__builtin_trap();
	if (doing("escape"))
		bpfhost_out_write(BPFHOST_STREAM_OUT, STR("\033[31mred\033[0m\n"));
	if (doing("done") || doing("escape"))
		return bpfhost_stop_run(0);
	if (doing("giveup"))
		return bpfhost_stop_run(3);
	if (doing("spam"))
		return bpfhost_timer(1);
	return 0;
}

int32_t bpfhost_tick(uint64_t now)
{
	static char line[16384]; /* few calls: an emulated machine takes its time for each */
	uint32_t i;

	(void)now;
	for (i = 0; i < sizeof(line); i++)
		line[i] = i % 64 == 63 ? '\n' : '.';
	for (i = 0; i < 16; i++)
		bpfhost_out_write(BPFHOST_STREAM_OUT, line, sizeof(line));
	return 0;
}
