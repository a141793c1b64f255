// SPDX-License-Identifier: Apache-2.0
// slowstop runs as it should and never comes back from its stop hook.
#include "bpfhost.h"

int32_t bpfhost_started(void)
{
	return 0;
}

int32_t bpfhost_stop(uint32_t reason)
{
	(void)reason;
	for (;;)
		__asm__ volatile("");
}
