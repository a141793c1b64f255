/* Globals is a guest in C++ with a global object. Its plan has a note that says how often the constructor ran,
 * and what the object holds after the hooks before. */
#include "bpfhost_util.h"

static int runs;

struct counter {
	uint64_t value;
	counter() : value(40) { runs++; }
	uint64_t next() { return ++value; }
};

static counter count;

int32_t bpfhost_describe(void)
{
	count.next();
	return bpfhost_describe_as("globals", "1.0.0", "Counts in a global object.");
}

int32_t bpfhost_plan(void)
{
	static char text[64];
	bpfhost_buf b = BPFHOST_BUF(text);

	bpfhost_put_s(&b, "constructors ran ");
	bpfhost_put_u64(&b, static_cast<uint64_t>(runs));
	bpfhost_put_s(&b, " times, the object holds ");
	bpfhost_put_u64(&b, count.next());
	return bpfhost_plan_note(static_cast<bpfhost_h>(bpfhost_self()), BPFHOST_NOTE_INFO, b.p, b.len);
}
