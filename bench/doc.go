// Package bench holds this library against cilium/ebpf and libbpf on the same input: how long all
// take, what they allocate, and where their results differ. It is a module of its own, so that the
// peers are not dependencies of the product. See README.md for the commands.
//
// Each area has a file of tasks, for example asm_test.go, and lists them in areas. The code that
// measures is in measure.go, the process that works with libbpf in libbpf.go.
package bench
