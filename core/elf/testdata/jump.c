// Jump tables: of a function that two programs call, and of a program that has one itself. Built by clang-22.
#include "bpf.h"

volatile u32 state;

__noinline int table_of_all(u32 x)
{
	switch (x) {
	case 0: state += 11; return 5;
	case 1: state += 3; return 99;
	case 2: state += 8; return 17;
	case 3: state += 1; return 1000;
	case 4: state += 45; return 2;
	case 5: return 77;
	case 6: state += 9; return 300;
	}
	return 1;
}

SEC("xdp") int by_call(struct xdp_md *ctx) { return table_of_all(state); }

SEC("xdp") int itself(struct xdp_md *ctx)
{
	switch (state) {
	case 10: return 1;
	case 11: state += 2; return 20;
	case 12: state += 3; return 300;
	case 14: state += 4; return 4000;
	case 15: state += 5; return table_of_all(state & 3);
	}
	return 7;
}

char _license[] SEC("license") = "GPL";
