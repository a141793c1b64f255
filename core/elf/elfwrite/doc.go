// Package elfwrite writes eBPF object files: what [Write] makes of a collection, libbpf and core/elf
// read. It needs no kernel, and the same collection makes the same bytes.
package elfwrite
