// What GCC and GNU as make of calls and variables that are not at the start of their section.
#define SEC(name) __attribute__((section(name), used))
static __attribute__((noinline)) int one(int x) { return x * 3; }
static __attribute__((noinline)) int two(int x) { return x * 5; }
__attribute__((noinline)) int three(int x) { return one(x) + two(x); }
__attribute__((noinline, weak)) int four(int x) { return one(x) - three(x); }
static volatile int first = 3, second = 5;
int third = 1, fourth = 2, table[4] = {1, 2, 3, 4};
SEC("xdp") int prog(void *ctx) {
	second += first;
	fourth += third;
	table[2]++;
	return one(1) + two(2) + three(3) + four(4);
}
char _license[] SEC("license") = "GPL";
