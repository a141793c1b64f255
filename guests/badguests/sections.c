// SPDX-License-Identifier: Apache-2.0
// sections declares names of program sections, one of which the host has another meaning for.
#include "bpfhost_util.h"

int32_t bpfhost_describe(void)
{
	BPFHOST_TRY(bpfhost_describe_as("sections", "1.0", "Knows sections of its own."));
	BPFHOST_TRY(bpfhost_section("guard+", BPFHOST_PROG_CGROUP_SKB, BPFHOST_AT_CGROUP_INET_EGRESS, 0));
	BPFHOST_TRY(bpfhost_section("xdp_drop", BPFHOST_PROG_SCHED_CLS, 0, 0));
	BPFHOST_TRY(bpfhost_section("xdp", BPFHOST_PROG_SCHED_CLS, 0, 0));
	return bpfhost_request("program *");
}
