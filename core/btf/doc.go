// Package btf reads and writes BTF, the type information of eBPF programs and of the kernel
// (Documentation/bpf/btf.rst of Linux), and computes CO-RE relocations.
//
// # Start
//
// Parse opens a blob, for example the bytes of /sys/kernel/btf/vmlinux, and returns its table of
// types. FindAs finds a type by name and Go type, Types.Path a field by its path, and Types.Declare
// shows a type in C:
//
//	kernel, err := btf.Parse(blob, btf.Options{})
//	id, task, err := btf.FindAs[*btf.Struct](kernel, "task_struct")
//	field, err := kernel.Path(id, "se.vruntime") // its type and where it is, in bytes
//
// # Types refer to each other by id
//
// A Type is a struct of its own with the ids of what it refers to; Types.Type returns the same
// value for an id every time. Graphs of types have cycles and, in hostile input, chains of a
// million links. Walk them with Visit and Refs, with Strip, Size, Align and Path, or with a list of
// ids of your own, and never with a function that calls itself. The example of Visit shows how.
//
// # Cost
//
// Parse keeps the blob, which may be a read-only mapping, and notes where types begin: to open the
// types of a kernel takes a millisecond and 16 KB. A Type is made when it is asked for, and an
// index of names when searches come in numbers; FindMany finds any number of names in one pass.
// What was made stays with the table. To free the memory, drop the table, and Parse the bytes once
// more. A table is safe for concurrent use.
//
// # Hostile input
//
// No input makes this package panic, recurse without bound or allocate more than a small multiple
// of the input. Parse checks what is needed to find types, Type checks the type that it returns,
// and Validate checks the whole: call it for every blob that is not the kernel's own. Errors are of
// type *FormatError and say where.
//
// Names in types are whatever the input says, control characters included. Take care when printing
// them.
//
// # Writing
//
// A Builder makes BTF of Type values and of types of other tables. Dedup removes types that are
// there more than once, Merge makes one table of several; both return the new ids by the old ones,
// and Ext.Remap puts them into func_info, line_info and CO-RE records. Distill and Rebase take
// split types from one kernel to another.
//
// ForKernel turns the types of an object file into bytes that the kernel loads, Sanitise those into
// bytes for an older kernel.
//
// # CO-RE
//
// ParseExt reads the relocations of an object. Resolve computes one of them against the types of a
// kernel, a Resolver many. The outcome is a CoreResult: data that says what to put into the
// instruction, or why there is nothing to put. Package core/spec/bind changes the instructions.
// MinCore finds the smallest table that relocations need of a kernel's.
package btf
