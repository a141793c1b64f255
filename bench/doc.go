// Package bench holds this library against cilium/ebpf on the same input: how long both take, what
// they allocate, and where their results differ. It is a module of its own, so that the peer is no
// dependency of the product. See README.md for the commands.
//
// Each area has a file of pairs, for example asm_test.go, and lists them in areas. The code that
// measures is in measure.go.
package bench
