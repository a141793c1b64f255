// SPDX-License-Identifier: Apache-2.0
// pinned keeps one map beyond its runs: --set map=NAME, pinned by that name. Each run prints how many
// runs the map has seen and counts itself. Maps called shared_* it uses together with other plugins.
#include "bpfhost_util.h"

static char name[64], text[128];
static uint32_t name_len;

int32_t bpfhost_describe(void)
{
	static const char *const wants[] = {
		"map array", "map-rw *", "pin-read *", "pin-write *", "pin-share shared_*",
	};

	BPFHOST_TRY(bpfhost_describe_as("pinned", "1.0", "Counts its runs in a pinned map."));
	BPFHOST_TRY(bpfhost_param("map", BPFHOST_PARAM_STRING, "runs", "name of the map", 0));
	for (uint32_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		BPFHOST_TRY(bpfhost_request(wants[i]));
	return 0;
}

int32_t bpfhost_configure(void)
{
	int32_t n;

	BPFHOST_TRY(n = bpfhost_cfg_get(BPFHOST_S("map"), name, sizeof(name)));
	name_len = (uint32_t)n;
	return name_len > sizeof(name) ? -BPFHOST_E_RANGE : 0;
}

int32_t bpfhost_plan(void)
{
	BPFHOST_OPEN(obj, bpfhost_object_new(BPFHOST_S("pinned")));
	BPFHOST_OPEN(map, bpfhost_add(obj, BPFHOST_K_MAP, name, name_len));
	BPFHOST_TRY(bpfhost_set_map_type(map, BPFHOST_MAP_ARRAY));
	BPFHOST_TRY(bpfhost_set_map_key_size(map, 4));
	BPFHOST_TRY(bpfhost_set_map_value_size(map, 8));
	BPFHOST_TRY(bpfhost_set_map_max_entries(map, 1));
	return bpfhost_set_map_pinning(map, BPFHOST_PIN_BY_NAME);
}

int32_t bpfhost_loaded(void)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	const uint32_t key = 0;
	uint64_t runs;

	BPFHOST_OPEN(map, bpfhost_map_open(name, name_len));
	BPFHOST_TRY(bpfhost_map_get(map, &key, sizeof(key), &runs, sizeof(runs)));
	bpfhost_put_s(&b, "runs before: ");
	bpfhost_put_u64(&b, runs);
	bpfhost_put(&b, '\n');
	BPFHOST_TRY(bpfhost_out_write(BPFHOST_STREAM_OUT, text, b.len));
	runs++;
	return bpfhost_map_put(map, &key, sizeof(key), &runs, sizeof(runs), BPFHOST_PUT_ANY);
}
