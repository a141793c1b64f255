// SPDX-License-Identifier: GPL-2.0 OR MIT
// libbpf does tasks of the benchmarks with libbpf. A line of the standard input asks for one:
//
//	task TAB input TAB nanoseconds
//
// It is done until as much time has passed, at least once, and the answer is a line too: how often, nanoseconds that
// passed and that the processor worked, allocations and their bytes, all of these in total, and what came out of the
// last one (types, programs, bytes: see the tasks). Or it is "error: " and why. The input is a file, or files with
// commas between them, and read before time is taken. Nothing reaches the kernel, since bpf(2) is answered here.
#define _GNU_SOURCE
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// The allocations of libbpf and of what it uses, counted on the way to libc.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static uint64_t allocs, alloc_bytes;

void *malloc(size_t size)
{
	allocs++;
	alloc_bytes += size;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocs++;
	alloc_bytes += n * size;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	allocs++;
	alloc_bytes += size;
	return __libc_realloc(p, size);
}

// stamp is a point in time, and what was allocated until then.
struct stamp {
	uint64_t passed, worked, allocs, bytes;
};

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct stamp now(void)
{
	return (struct stamp){ nanoseconds(CLOCK_MONOTONIC), nanoseconds(CLOCK_PROCESS_CPUTIME_ID), allocs, alloc_bytes };
}

// The phases of bpf_object__load, told apart by what it asks of the kernel and what it says: types of the kernel are
// read after the last request before the first CO-RE relocation, and relocations end where it speaks of something else.
static struct {
	bool on, begun, ended;
	struct stamp types, begin, end;
	uint64_t relocations;
} core;

static void core_end(void)
{
	if (core.begun && !core.ended) {
		core.end = now();
		core.ended = true;
	}
}

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int watch(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!core.on || core.ended)
		return 0;
	if (starts(format, "libbpf: sec '%s': found %d CO-RE")) {
		if (!core.begun)
			core.begin = now();
		core.begun = true;
	} else if (starts(format, "libbpf: prog '%s': relo #%d: ") || starts(format, "libbpf: CO-RE ")) {
		core.relocations += strstr(format, "patched") != NULL;
	} else {
		core_end();
	}
	return 0;
}

// syscall stands in for that of libc: what makes a descriptor gives one, everything else of bpf(2) succeeds.
long syscall(long number, ...)
{
	va_list args;
	int cmd;

	if (number != __NR_bpf) {
		errno = ENOSYS;
		return -1;
	}
	va_start(args, number);
	cmd = va_arg(args, int);
	va_end(args);
	if (core.on && !core.begun)
		core.types = now();
	core_end();
	switch (cmd) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	return 0;
}

// job is what a task works on.
struct job {
	char *path;	    // the input
	void *data;	    // its bytes, if the task wants them
	size_t size;
	struct btf *types;  // the types in it, if the task wants them
	struct btf *made;   // what one turn made, and its end takes away
	uint64_t result;    // what came out
	struct stamp begin, end; // of the part of a turn that counts
};

// task is one of those that can be asked for. Functions return 0 or a negative errno.
struct task {
	const char *name;
	bool data, types;	      // what is read before
	int (*prepare)(struct job *); // before each turn, or NULL
	int (*turn)(struct job *);
	bool inside;		      // the turn itself says what of it counts
};

static int failed(void)
{
	return errno ? -errno : -EINVAL;
}

static int open_kernel(struct job *j)
{
	struct btf *b = btf__load_vmlinux_btf();

	if (!b)
		return failed();
	j->result = btf__type_cnt(b);
	btf__free(b);
	return 0;
}

static int open_types(struct job *j)
{
	struct btf *b = btf__new(j->data, j->size);

	if (!b)
		return failed();
	j->result = btf__type_cnt(b);
	btf__free(b);
	return 0;
}

static int find_twenty(struct job *j)
{
	static const char *const names[] = {
		"task_struct", "file", "inode", "super_block", "socket", "sock", "sk_buff", "net_device", "mm_struct", "cred",
		"nsproxy", "pid", "path", "dentry", "mount", "qstr", "linux_binprm", "net", "inet_sock", "tcp_sock",
	};
	struct btf *b = btf__new(j->data, j->size);
	int id = 0;

	if (!b)
		return failed();
	j->result = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && id >= 0; i++) {
		id = btf__find_by_name_kind(b, names[i], BTF_KIND_STRUCT);
		j->result += id;
	}
	btf__free(b);
	return id < 0 ? id : 0;
}

static int find_warm(struct job *j)
{
	int id = btf__find_by_name_kind(j->types, "sk_buff", BTF_KIND_STRUCT);

	j->result = id;
	return id < 0 ? id : 0;
}

// visit gives the sum of the kinds of all types.
static int visit(struct job *j)
{
	struct btf *b = btf__new(j->data, j->size);

	if (!b)
		return failed();
	j->result = 0;
	for (__u32 id = 1; id < btf__type_cnt(b); id++)
		j->result += btf_kind(btf__type_by_id(b, id));
	btf__free(b);
	return 0;
}

static int copy_types(struct job *j)
{
	struct btf *b = btf__new_empty();
	__u32 size = 0;
	int err;

	if (!b)
		return failed();
	err = btf__add_btf(b, j->types);
	if (err >= 0 && !btf__raw_data(b, &size))
		err = -ENOMEM;
	j->result = btf__type_cnt(b);
	btf__free(b);
	return err < 0 ? err : 0;
}

static int dedup_prepare(struct job *j)
{
	j->made = btf__new(j->data, j->size);
	return j->made ? 0 : failed();
}

static int dedup(struct job *j)
{
	int err = btf__dedup(j->made, NULL);

	j->result = btf__type_cnt(j->made);
	return err;
}

// text has what a dump has written; a page is enough, since it is not looked at.
static void dump_text(void *ctx, const char *format, va_list args)
{
	char page[4096];
	int n = vsnprintf(page, sizeof(page), format, args);

	((struct job *)ctx)->result += n > 0 ? n : 0;
}

static int header(struct job *j)
{
	struct btf_dump *d = btf_dump__new(j->types, dump_text, j, NULL);
	int err = 0;

	if (!d)
		return failed();
	j->result = 0;
	for (__u32 id = 1; id < btf__type_cnt(j->types) && !err; id++)
		err = btf_dump__dump_type(d, id);
	btf_dump__free(d);
	return err;
}

// parts counts the programs and maps of an object.
static uint64_t parts(struct bpf_object *o)
{
	struct bpf_program *p;
	struct bpf_map *m;
	uint64_t n = 0;

	bpf_object__for_each_program(p, o)
		n++;
	bpf_object__for_each_map(m, o)
		n++;
	return n;
}

static int open_object(struct job *j)
{
	struct bpf_object *o = bpf_object__open_mem(j->data, j->size, NULL);

	if (!o)
		return failed();
	j->result = parts(o);
	bpf_object__close(o);
	return 0;
}

// relocate loads an object, and takes from the beginning of its CO-RE relocations, or from where types of the kernel are
// opened for them, to their end.
static int relocate(struct job *j, bool cold)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = "/sys/kernel/btf/vmlinux");
	struct bpf_object *o = bpf_object__open_mem(j->data, j->size, &opts);
	int err;

	if (!o)
		return failed();
	memset(&core, 0, sizeof(core));
	core.on = true;
	err = bpf_object__load(o);
	core.on = false;
	bpf_object__close(o);
	if (!err && (!core.ended || !core.types.passed))
		err = -ENOMSG;
	j->result = core.relocations;
	j->begin = cold ? core.types : core.begin;
	j->end = core.end;
	return err;
}

static int core_cold(struct job *j)
{
	return relocate(j, true);
}

static int core_warm(struct job *j)
{
	return relocate(j, false);
}

// link_files links all but the last of the files into the last.
static int link_files(struct job *j)
{
	char *files = strdup(j->path), *out = strrchr(files, ','), *rest = files, *file;
	struct bpf_linker *l;
	int err = -EINVAL;

	if (!out)
		goto end;
	*out++ = 0;
	l = bpf_linker__new(out, NULL);
	if (!l) {
		err = failed();
		goto end;
	}
	err = 0;
	while (!err && (file = strsep(&rest, ",")))
		err = bpf_linker__add_file(l, file, NULL);
	if (!err)
		err = bpf_linker__finalize(l);
	bpf_linker__free(l);
end:
	free(files);
	return err;
}

static int version(struct job *j)
{
	j->result = libbpf_major_version() << 16 | libbpf_minor_version();
	return 0;
}

static const struct task tasks[] = {
	{ "version", .turn = version },				      // major version << 16 | minor version
	{ "open-kernel", .turn = open_kernel },			      // types, as in the next ones
	{ "open-types", .data = true, .turn = open_types },
	{ "find-twenty", .data = true, .turn = find_twenty },	      // the sum of ids
	{ "find-warm", .types = true, .turn = find_warm },	      // the id
	{ "visit", .data = true, .turn = visit },		      // the sum of kinds
	{ "copy", .types = true, .turn = copy_types },		      // types
	{ "dedup", .data = true, .prepare = dedup_prepare, .turn = dedup }, // types
	{ "header", .types = true, .turn = header },		      // bytes
	{ "open", .data = true, .turn = open_object },		      // programs and maps
	{ "core-cold", .data = true, .turn = core_cold, .inside = true }, // relocations
	{ "core-warm", .data = true, .turn = core_warm, .inside = true },
	{ "link", .turn = link_files },				      // nothing
};

// slurp reads the input. Files of sysfs say nothing of their sizes and come a page at a time.
static int slurp(struct job *j)
{
	size_t room = 0;
	ssize_t n = 1;
	int fd = open(j->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return failed();
	while (n > 0) {
		if (room - j->size < 1 << 16) {
			room = 2 * room + (1 << 20);
			j->data = realloc(j->data, room);
		}
		n = read(fd, (char *)j->data + j->size, room - j->size);
		j->size += n > 0 ? n : 0;
	}
	close(fd);
	return n < 0 ? failed() : 0;
}

static int get_ready(const struct task *t, struct job *j)
{
	int err = t->data || t->types ? slurp(j) : 0;

	if (!err && t->types) {
		j->types = btf__new(j->data, j->size);
		err = j->types ? 0 : failed();
	}
	return err;
}

// repeat does a task until time is over, and adds up what counts.
static int repeat(const struct task *t, struct job *j, uint64_t time, uint64_t *n, struct stamp *sum)
{
	uint64_t start = nanoseconds(CLOCK_MONOTONIC);

	do {
		int err = t->prepare ? t->prepare(j) : 0;
		struct stamp begin = now(), end;

		if (!err)
			err = t->turn(j);
		end = now();
		if (t->inside) {
			begin = j->begin;
			end = j->end;
		}
		btf__free(j->made);
		j->made = NULL;
		if (err)
			return err;
		sum->passed += end.passed - begin.passed;
		sum->worked += end.worked - begin.worked;
		sum->allocs += end.allocs - begin.allocs;
		sum->bytes += end.bytes - begin.bytes;
		++*n;
	} while (nanoseconds(CLOCK_MONOTONIC) - start < time);
	return 0;
}

static void answer(const struct task *t, char *path, uint64_t time)
{
	struct job j = { .path = path };
	struct stamp sum = {};
	uint64_t n = 0;
	int err = get_ready(t, &j);

	if (!err)
		err = repeat(t, &j, time, &n, &sum);
	if (err)
		printf("error: %s\n", strerror(-err));
	else
		printf("%lu %lu %lu %lu %lu %lu\n", n, sum.passed, sum.worked, sum.allocs, sum.bytes, j.result);
	btf__free(j.types);
	free(j.data);
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;

	libbpf_set_print(watch);
	while (getline(&line, &room, stdin) > 0) {
		char *rest = line, *name = strsep(&rest, "\t"), *path = strsep(&rest, "\t"), *time = strsep(&rest, "\t");
		const struct task *t = NULL;

		for (size_t i = 0; time && i < sizeof(tasks) / sizeof(tasks[0]); i++)
			if (!strcmp(tasks[i].name, name))
				t = &tasks[i];
		if (t)
			answer(t, path, strtoull(time, NULL, 10));
		else
			printf("error: no such task\n");
		fflush(stdout);
	}
	free(line);
	return 0;
}
