// Package render makes text of BTF for compilers and people: C headers, Go types, JSON, values of
// memory, and what differs between two tables.
//
// Header writes a C header of the quality of vmlinux.h: every size and offset is what the types
// say, with padding, packed attributes and forward declarations where C needs them, and the kernel
// functions that programs may call. Go writes Go types with the same layout. JSON writes one object
// per type. Value writes memory as its type says. Diff compares types by name.
//
// # Hostile input
//
// Everything here takes tables of unknown origin: no input makes it panic, recurse deeper than
// maxNesting or write more than the limit in the options. Names that are not identifiers are
// changed so that the output is always one that a compiler can read. Value, Diff and JSON keep
// names as they are, escaped where they stand between quotes: take care when printing them to a
// terminal.
//
// The same input makes the same bytes.
package render
