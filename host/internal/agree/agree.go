// Package agree holds the tests that machines which run eBPF programs do the same: the kernel, the
// interpreter of core/vm, and what core/vm/wasm compiles. They run random programs (package
// internal/randprog) and random packets through real programs, and compare what programs return,
// the packets and contexts that they leave, the records of their rings and the entries of their maps.
//
// docs/testing.md says how to run them for longer.
package agree
