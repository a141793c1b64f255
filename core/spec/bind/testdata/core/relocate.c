// SPDX-License-Identifier: GPL-2.0 OR MIT
// relocate OBJECT BTF prints the programs of an object after libbpf relocated them against the types of a file: a line for
// each, with its name and its instructions in hexadecimal. Nothing reaches the kernel, since bpf(2) is answered here.
#define _GNU_SOURCE
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

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
	switch (cmd) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = argc > 2 ? argv[2] : NULL);
	struct bpf_program *prog;
	struct bpf_object *obj;
	int err;

	if (argc != 3)
		return 2;
	obj = bpf_object__open_file(argv[1], &opts);
	if (!obj) {
		fprintf(stderr, "open: %s\n", strerror(errno));
		return 1;
	}
	err = bpf_object__load(obj);
	if (err) {
		fprintf(stderr, "load: %s\n", strerror(-err));
		return 1;
	}
	bpf_object__for_each_program(prog, obj) {
		const unsigned char *code = (const void *)bpf_program__insns(prog);
		size_t size = bpf_program__insn_cnt(prog) * sizeof(struct bpf_insn);

		printf("%s ", bpf_program__name(prog));
		for (size_t i = 0; i < size; i++)
			printf("%02x", code[i]);
		printf("\n");
	}
	bpf_object__close(obj);
	return 0;
}
