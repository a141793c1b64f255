// Package elflink is a static linker: [Link] makes one eBPF object file of several, by the rules of
// libbpf's linker, and [Load] reads the result. It needs no kernel, and the same objects make the same
// bytes.
package elflink
