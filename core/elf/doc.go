// Package elf reads eBPF object files, as clang and gcc make them, into collections.
//
// It needs no kernel and no privileges, and its result depends on the bytes alone. Both byte orders
// are read. Hostile input is in scope: every count and offset is checked against the file before it
// is used, memory is bounded by the size of the file and by [Options], and nothing recurses.
//
// # What becomes what
//
//   - Every function that is not static, in a code section other than .text, is a program. The name
//     of the section says its type: docs/sections.md has them all, and they are libbpf's. What a
//     program calls, in whichever section it is, follows it in the same program. Static functions of
//     such sections are refused; leniently they are programs too, if no instruction refers to them.
//   - .maps (with BTF) and maps (without) hold maps. Each section .data, .rodata, .bss, and what is
//     named after them, is an array with one value, and each symbol in it a variable. .kconfig is
//     such a section too, whose values the loader fills in.
//   - What an instruction refers to by relocation it refers to by name afterwards: a map, a variable,
//     a function, a kernel function, a kernel symbol. Static variables are known to the instruction
//     only as places in their section: clang refers to those by section and offset.
//   - .BTF is kept as it is; the loader makes the kernel's form of it. Functions, source lines and
//     CO-RE records of .BTF.ext are attached to the instructions.
//
// Package elflink makes one object of several, and package elfwrite an object of a collection.
//
// # Errors and notes
//
// An input that is not an object returns [ErrNotObject], which says what it is. A malformed one
// returns the section and the offset in it. What is unusual but readable is in Collection.Notes,
// with the codes of [NoteTexts].
//
// Instances of struct_ops are maps of that type with the bytes of the instance; the programs that
// are its members are initial values at the offsets of the members. Variables of an arena are
// variables of the arena's map, whose Data is their image. Tables of .jumptables belong to the
// programs that use them, with labels for their places.
package elf
