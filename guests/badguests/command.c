// SPDX-License-Identifier: Apache-2.0
// command is a program with a main function instead of a plugin.
__attribute__((export_name("_start"))) void _start(void) {}
