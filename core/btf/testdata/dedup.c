/* Puts BTF files together and removes duplicates with libbpf: dedup OUT IN... */
#include <stdio.h>
#include <bpf/btf.h>

int main(int argc, char **argv)
{
	struct btf *all = btf__new_empty();
	const void *data;
	__u32 size;
	FILE *out;
	int i;

	for (i = 2; i < argc; i++) {
		struct btf *one = btf__parse_raw(argv[i]);

		if (!one || btf__add_btf(all, one) < 0)
			return i;
		btf__free(one);
	}
	if (btf__dedup(all, NULL))
		return 1;
	data = btf__raw_data(all, &size);
	out = fopen(argv[1], "w");
	if (!data || !out || fwrite(data, 1, size, out) != size || fclose(out))
		return 1;
	return 0;
}
