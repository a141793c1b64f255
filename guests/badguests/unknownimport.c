// SPDX-License-Identifier: Apache-2.0
// unknownimport imports a function that the ABI does not have.
#include "bpfhost.h"

BPFHOST_IMPORT(frobnicate) int32_t frobnicate(uint32_t);

int32_t bpfhost_plan(void)
{
	return frobnicate(1);
}
