// SPDX-License-Identifier: Apache-2.0
// escapename gives itself a name that would clear the terminal, and says so in its log.
#include "bpfhost.h"

#define STR(s) (s), sizeof(s) - 1

int32_t bpfhost_describe(void)
{
	bpfhost_log(BPFHOST_LOG_WARN, STR("\033[2Jdescribe"));
	return bpfhost_set_plugin_name(bpfhost_self(), STR("\033[2Jgood"));
}
