/* Wrapped is a guest in C++ without the SDK's header, so that nothing runs its constructors once. */
#include <stdint.h>

static volatile int runs;

struct counter {
	int value;
	counter() : value(40) { runs = runs + 1; }
};

static counter count;

#define EXPORT(name) extern "C" __attribute__((export_name(#name))) int32_t name

EXPORT(bpfhost_abi)(void) { return 0x10000; }
EXPORT(bpfhost_plan)(void) { return ++count.value; }
EXPORT(bpfhost_tick)(uint64_t now) { return count.value += static_cast<int>(now); }
