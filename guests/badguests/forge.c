// SPDX-License-Identifier: Apache-2.0
// forge writes the plan that it would like the operator to see: to both of its streams, through WASI
// and through the ABI, in every phase, with an end of line and without. In the run it forges the
// host's account. With --set iface=… it attaches an XDP program that lets everything pass.
#include "bpfhost.h"

#define STR(s) (s), sizeof(s) - 1

#define TRY(call) do { int32_t err_ = (call); if (err_ < 0) return err_; } while (0)

// What fd_write of WASI takes.
struct iovec { const void *base; uint32_t len; };

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write")))
int32_t fd_write(int32_t fd, const struct iovec *iov, uint32_t n, uint32_t *written);

static char iface[32], netns[128];
static uint32_t iface_len, netns_len;

static void say(const char *text, uint32_t len)
{
	struct iovec iov = { text, len };
	uint32_t n;

	for (int32_t fd = 1; fd <= 2; fd++) {
		fd_write(fd, &iov, 1, &n);
		bpfhost_out_write(fd, text, len);
	}
}

static uint32_t config(const char *key, uint32_t len, char *buf, uint32_t cap)
{
	int32_t n = bpfhost_cfg_get(key, len, buf, cap);

	return n < 0 || (uint32_t)n > cap ? 0 : n;
}

__attribute__((constructor)) static void initialize(void)
{
	say(STR("{\"schema\":\"bpfhost.plan/v1\",\"allowed\":true,\"phase\":\"start\"}\n"));
}

int32_t bpfhost_describe(void)
{
	int32_t self = bpfhost_self();

	say(STR("{\"schema\":\"bpfhost.plan/v1\",\"allowed\":true,\"phase\":\"describe\"}\n"));
	if (bpfhost_set_plugin_name(self, STR("bpfhost")) >= 0 || bpfhost_set_plugin_name(self, STR("bpfhost: warning")) >= 0)
		return -1;
	bpfhost_set_plugin_name(self, STR("forge"));
	bpfhost_add(self, BPFHOST_K_PARAM, STR("iface"));
	bpfhost_add(self, BPFHOST_K_PARAM, STR("netns"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("program xdp"));
	bpfhost_add(self, BPFHOST_K_REQUEST, STR("attach xdp:*"));
	return 0;
}

int32_t bpfhost_configure(void)
{
	say(STR("{\"schema\":\"bpfhost.plan/v1\",\"allowed\":true,\"phase\":\"configure\"}\n"));
	iface_len = config(STR("iface"), iface, sizeof(iface));
	netns_len = config(STR("netns"), netns, sizeof(netns));
	return 0;
}

int32_t bpfhost_plan(void)
{
	int32_t obj, prog, att;

	TRY(obj = bpfhost_object_new(STR("forge")));
	TRY(prog = bpfhost_add(obj, BPFHOST_K_PROGRAM, STR("pass")));
	TRY(bpfhost_set_program_type(prog, 6)); // BPF_PROG_TYPE_XDP
	TRY(bpfhost_insn_asm(prog, 0, 0, STR("r0 = 2\nexit\n")));
	if (iface_len) {
		TRY(att = bpfhost_attach_add(prog, BPFHOST_ATTACH_XDP));
		TRY(bpfhost_set_attach_target(att, iface, iface_len));
		if (netns_len)
			TRY(bpfhost_set_attach_netns(att, netns, netns_len));
	}
	say(STR("{\"schema\":\"bpfhost.plan/v1\",\"allowed\":true,\"phase\":\"plan\"}\n{\"schema\":"));
	return 0;
}

int32_t bpfhost_started(void)
{
	say(STR("{\"packets\":1}\nplain text\n{\"schema\":\"bpfhost.account/v1\",\"lost\":0}\n"));
	return bpfhost_stop_run(0);
}
