// Package ring reads BPF ring buffers.
//
// [Reader.Wait] waits for records, [Reader.Drain] hands out all that are there as views of the
// shared memory, without copying. [Reader.Read] does both for one record and copies it.
//
// # Accounting
//
// A reader counts what it delivered and what programs reserved and gave up again ([Stats]). What
// did not fit into the ring never reaches it: the kernel tells only the program, by the result of
// bpf_ringbuf_output or bpf_ringbuf_reserve, which must count these itself. Then, once the ring is
// drained, records sent = Stats.Records + records that the program counted as lost, exactly.
//
// # Concurrency
//
// A ring has one consumer. The methods of a Reader may be called from several goroutines, and take
// turns. Close may be called at any time, also from within the function given to Drain, and wakes
// those who wait.
package ring
