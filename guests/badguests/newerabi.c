// SPDX-License-Identifier: Apache-2.0
// newerabi says that it was built for a minor version that no host has yet.
__attribute__((export_name("bpfhost_abi"))) int bpfhost_abi(void)
{
	return 1 << 16 | 99;
}
