// Package record reads records of programs, the events of a ring buffer say, as their BTF type
// says: it finds the fields of a struct, and writes them as columns of a table or as JSON.
//
// [NewType] lists the fields of a struct, nested ones by their path, "args.flags". [Type.Field]
// finds one by its path, an element of an array too. A [Field] reads its value from the bytes of a
// record; one that is not in a record which is too short has none. [NewTable] and [NewObject]
// write records.
//
// Everything takes types and records of unknown origin: nothing panics, and what is written is safe
// for a terminal.
package record
