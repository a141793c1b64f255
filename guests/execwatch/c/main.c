/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Execwatch prints one line of JSON for every program that is started, optionally only below one parent
 * process or in one cgroup. It patches a raw tracepoint program that clang has built and that reads the
 * kernel's task_struct by CO-RE: two constants in .rodata are its filter. It shows object_open, find, var_write.
 */
#include "bpfhost_util.h"

static char text[16384];
static uint64_t batch[8192];

int32_t bpfhost_describe(void)
{
	static const char *const wants[] = {
		"program raw_tracepoint", "attach raw_tracepoint:sched_process_exec", "object edit",
		"map array", "map percpu_array", "map ringbuf",
		"helper bpf_map_lookup_elem", "helper bpf_ringbuf_*", "helper bpf_ktime_get_ns",
		"helper bpf_get_current_*", "helper bpf_probe_read_kernel", "helper bpf_probe_read_kernel_str",
	};

	BPFHOST_TRY(bpfhost_describe_as("execwatch", "1.0", "Prints every program that is started."));
	BPFHOST_TRY(bpfhost_param("parent", BPFHOST_PARAM_U64, "0", "only children of this process; 0 is all", 0));
	BPFHOST_TRY(bpfhost_param("cgroup", BPFHOST_PARAM_U64, "0",
				  "only processes of the cgroup with this id; 0 is all", 0));
	for (uint32_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		BPFHOST_TRY(bpfhost_request(wants[i]));
	return 0;
}

int32_t bpfhost_plan(void)
{
	uint64_t cgroup, parent;
	uint32_t pid;

	BPFHOST_OPEN(obj, bpfhost_object_open("", 0));
	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("parent"), &parent));
	pid = (uint32_t)parent;
	if (pid != parent) {
		bpfhost_log(BPFHOST_LOG_ERROR, BPFHOST_S("parent: no process has so large a number"));
		return -BPFHOST_E_RANGE;
	}
	BPFHOST_OPEN(only_parent, bpfhost_find(obj, BPFHOST_K_VAR, BPFHOST_S("only_parent")));
	BPFHOST_TRY(bpfhost_var_write(only_parent, 0, &pid, sizeof(pid)));
	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("cgroup"), &cgroup));
	BPFHOST_OPEN(only_cgroup, bpfhost_find(obj, BPFHOST_K_VAR, BPFHOST_S("only_cgroup")));
	BPFHOST_TRY(bpfhost_var_write(only_cgroup, 0, &cgroup, sizeof(cgroup)));

	BPFHOST_OPEN(prog, bpfhost_find(obj, BPFHOST_K_PROGRAM, BPFHOST_S("execwatch")));
	BPFHOST_OPEN(at, bpfhost_attach_add(prog, BPFHOST_ATTACH_RAW_TRACEPOINT));
	return bpfhost_set_attach_target(at, BPFHOST_S("sched_process_exec"));
}

int32_t bpfhost_started(void)
{
	struct bpfhost_source_opts opts = {
		.size = sizeof(opts), .buf_ptr = (uint32_t)batch, .buf_len = sizeof(batch),
		.sent_map = bpfhost_symbol("account"), .sent_key = 0,
		.lost_map = bpfhost_symbol("account"), .lost_key = 1,
	};

	return bpfhost_source_open(BPFHOST_S("events"), &opts, sizeof(opts));
}

/* What the program sends: struct event of execwatch.bpf.c. */
struct event {
	uint64_t time, cgroup;
	uint32_t pid, ppid, uid;
	char comm[16], parent[16], file[116];
};

static void put_event(struct bpfhost_buf *b, const struct event *e)
{
	bpfhost_put_s(b, "{\"time\":");
	bpfhost_put_u64(b, e->time);
	bpfhost_put_s(b, ",\"pid\":");
	bpfhost_put_u64(b, e->pid);
	bpfhost_put_s(b, ",\"ppid\":");
	bpfhost_put_u64(b, e->ppid);
	bpfhost_put_s(b, ",\"uid\":");
	bpfhost_put_u64(b, e->uid);
	bpfhost_put_s(b, ",\"cgroup\":");
	bpfhost_put_u64(b, e->cgroup);
	bpfhost_put_s(b, ",\"comm\":");
	bpfhost_put_json(b, e->comm, sizeof(e->comm));
	bpfhost_put_s(b, ",\"parent\":");
	bpfhost_put_json(b, e->parent, sizeof(e->parent));
	bpfhost_put_s(b, ",\"file\":");
	bpfhost_put_json(b, e->file, sizeof(e->file));
	bpfhost_put_s(b, "}\n");
}

int32_t bpfhost_events(bpfhost_h src, const void *ptr, uint32_t bytes, uint32_t nrec)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);

	(void)src;
	BPFHOST_EACH_EVENT(e, ptr, bytes) {
		if (e->kind != BPFHOST_EVENT_DATA || e->len < sizeof(struct event))
			continue;
		if (b.cap - b.len < 1200) /* a line where every character is escaped */
			BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
		put_event(&b, bpfhost_event_data(e));
	}
	BPFHOST_TRY(bpfhost_flush(&b, BPFHOST_STREAM_OUT));
	return (int32_t)nrec;
}
