// SPDX-License-Identifier: Apache-2.0
// wrongabi says that it was built for the next major version. The SDK cannot lie, so it is not used.
__attribute__((export_name("bpfhost_abi"))) int bpfhost_abi(void)
{
	return 2 << 16;
}
