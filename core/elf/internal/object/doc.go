// Package object reads and writes the container of eBPF object files: ELF header, sections, symbols,
// relocations and string tables, all within the bounds of the file. What the sections mean is for the
// packages above: core/elf reads them, core/elf/elflink links them, core/elf/elfwrite writes them.
//
// The only errors about the bytes of a file are format errors, with section and offset; an input that
// is something else is [ErrNotObject].
package object
