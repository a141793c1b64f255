// Package btf reads and writes BTF, the type information of eBPF programs and of the kernel
// (Documentation/bpf/btf.rst of Linux), and computes CO-RE relocations.
//
// # Reading
//
// Parse opens a blob and keeps it. It notes where types begin, 4 bytes for each 64 of them, so that
// opening the types of a kernel takes a millisecond and 16 KB; the bytes may be a read-only mapping
// of /sys/kernel/btf/vmlinux. A Type is made when Types.Type asks for it, and is the same value
// every time. Names are found by reading the types until searches come in numbers; then an index is
// built. FindAs finds a type by name and Go type, FindMany any number of names in one pass. All of
// this is safe for concurrent use. What was made stays with the table: to free memory, drop the
// table; to have it again, Parse the bytes once more.
//
// # Types refer to each other by id
//
// A Type is a struct of its own with the ids of what it refers to. Graphs of types have cycles and,
// in hostile input, chains of a million links, so work with them is done by Visit and Refs, by
// Strip, Size, Align and Path, or with a list of ids of your own, and never by a function that
// calls itself. The example of Visit shows how.
//
// # Hostile input
//
// No input makes this package panic, recurse without bound or allocate more than a small multiple
// of the input. Parse checks what is needed to find types, Type checks the type it returns, and
// Validate checks the whole: call it for every blob that is not the kernel's own. Errors are of
// type *FormatError and say where.
//
// Names in types are whatever the input says, control characters included. Take care when printing
// them.
//
// # Writing
//
// A Builder makes BTF of Type values and of types of other tables. Dedup removes types that are
// there more than once, Merge makes one table of several; both return the new ids by the old ones,
// and Ext.Remap puts them into what is known of instructions. Dedup divides types into classes of
// which no walk tells the members apart, by Hopcroft's algorithm (partition.go), so that cycles and
// depth need no care, and takes a declaration for its definition where there is only one. Distill
// and Rebase take split types from one kernel to another.
//
// ForKernel turns the types of an object file into bytes that the kernel loads, Sanitise those into
// bytes for an older kernel.
//
// # CO-RE
//
// ParseExt reads the relocations of an object, Resolve and Resolver compute them against the types
// of a kernel. The outcome is a CoreResult: data that says what to put into the instruction, or why
// there is nothing to put. Changing the instruction is left to core/loader. What a relocation asks
// for is understood once and kept with the program's types (4096 relocations at most), the members
// of a struct that was asked for more than once with the target's, and answers in the Resolver
// alone. MinCore finds the smallest table that relocations need of a kernel's.
package btf
