// SPDX-License-Identifier: GPL-2.0 OR MIT
// corpus loads an object with libbpf, and attaches nothing. It writes a line for each program: its
// name, TAB, and 0 or the errno of loading it. All programs are loaded at once; where that fails,
// each is loaded alone. An object that libbpf does not read has no line, and status 1. Nothing is
// pinned, and sizes of maps are those of corpusSizes in corpus_load_test.go.
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

// size sets what is left to the program around the object, and makes hash tables small.
static void size(struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);

	bpf_map__set_pin_path(map, NULL);
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		bpf_map__set_max_entries(map, 64);
		break;
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY: // libbpf sets it
		break;
	default:
		if (bpf_map__max_entries(map) == 0)
			bpf_map__set_max_entries(map, 4096);
	}
	if (bpf_map__value_size(map) == 0 && type == BPF_MAP_TYPE_STACK_TRACE)
		bpf_map__set_value_size(map, 127 * 8);
}

// load loads all programs, or the one of an index.
static int load(const char *path, int only, struct bpf_object **out)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;
	int i = 0;

	*out = object;
	if (!object)
		return -errno;
	bpf_object__for_each_map(map, object)
		size(map);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, only < 0 || only == i++);
	return bpf_object__load(object);
}

int main(int argc, char **argv)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct bpf_object *object, *alone;
	struct bpf_program *program;
	int whole, err, i = 0;

	libbpf_set_print(quiet);
	setrlimit(RLIMIT_MEMLOCK, &all);
	if (argc != 2)
		return 2;
	whole = load(argv[1], -1, &object);
	if (!object)
		return 1;
	bpf_object__for_each_program(program, object) {
		err = whole;
		if (whole) {
			err = load(argv[1], i++, &alone);
			bpf_object__close(alone);
		}
		printf("%s\t%d\n", bpf_program__name(program), -err);
	}
	bpf_object__close(object);
	return 0;
}
