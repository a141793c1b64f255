// SPDX-License-Identifier: Apache-2.0
// foreign tries to get at maps that are not its own: --set type=N makes its map m of that type (enum
// bpf_map_type), and when it is loaded the plugin opens the map open=NAME, prints the first value, and puts the
// number put=N there, which may be a descriptor or an id.
#include "bpfhost_util.h"

static char name[128], text[64];
static uint32_t name_len;
static uint64_t type, number;

int32_t bpfhost_describe(void)
{
	BPFHOST_TRY(bpfhost_describe_as("foreign", "1.0", "Opens maps of others."));
	BPFHOST_TRY(bpfhost_param("type", BPFHOST_PARAM_U64, "2", "type of its own map", 0));
	BPFHOST_TRY(bpfhost_param("open", BPFHOST_PARAM_STRING, "m", "map to open", 0));
	BPFHOST_TRY(bpfhost_param("put", BPFHOST_PARAM_U64, "7", "value to put", 0));
	BPFHOST_TRY(bpfhost_request("map *"));
	return bpfhost_request("map-rw *");
}

int32_t bpfhost_configure(void)
{
	int32_t n;

	BPFHOST_TRY(n = bpfhost_cfg_get(BPFHOST_S("open"), name, sizeof(name)));
	name_len = (uint32_t)n;
	BPFHOST_TRY(bpfhost_cfg_u64(BPFHOST_S("type"), &type));
	return bpfhost_cfg_u64(BPFHOST_S("put"), &number);
}

int32_t bpfhost_plan(void)
{
	BPFHOST_OPEN(obj, bpfhost_object_new(BPFHOST_S("foreign")));
	BPFHOST_OPEN(map, bpfhost_add(obj, BPFHOST_K_MAP, BPFHOST_S("m")));
	BPFHOST_TRY(bpfhost_set_map_type(map, type));
	BPFHOST_TRY(bpfhost_set_map_key_size(map, 4));
	BPFHOST_TRY(bpfhost_set_map_value_size(map, 4));
	return bpfhost_set_map_max_entries(map, 1);
}

int32_t bpfhost_loaded(void)
{
	struct bpfhost_buf b = BPFHOST_BUF(text);
	const uint32_t key = 0;
	uint32_t value;

	BPFHOST_OPEN(map, bpfhost_map_open(name, name_len));
	BPFHOST_TRY(bpfhost_map_get(map, &key, sizeof(key), &value, sizeof(value)));
	bpfhost_put_s(&b, "value: ");
	bpfhost_put_u64(&b, value);
	bpfhost_put(&b, '\n');
	BPFHOST_TRY(bpfhost_out_write(BPFHOST_STREAM_OUT, text, b.len));
	value = (uint32_t)number;
	return bpfhost_map_put(map, &key, sizeof(key), &value, sizeof(value), BPFHOST_PUT_ANY);
}
