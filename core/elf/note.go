package elf

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// The codes of notes. They are shown to users and never change their meaning; N04 is used up.
const (
	NoteMachine       = "N01"
	NoteNoBTF         = "N02"
	NoteSizes         = "N03"
	NoteUnknown       = "N05"
	NoteLegacyMap     = "N06"
	NoteLenient       = "N07"
	NoteDataReloc     = "N08"
	NoteDuplicate     = "N09"
	NoteUnused        = "N10"
	NoteUndefined     = "N11"
	NoteTailCall      = "N12"
	NoteAddendInPlace = "N13"
	NoteStaticProgram = "N14"
	NoteValue         = "N15"
	NoteWrapped       = "N16"
	NoteUntyped       = "N17"
	NoteMore          = "N18"
)

// NoteTexts says what each code of a note means.
var NoteTexts = map[string]string{
	NoteMachine:       "the machine number in the ELF header is 0, as old compilers left it",
	NoteNoBTF:         "there is no BTF: no types, no source lines, no CO-RE",
	NoteSizes:         "symbols of functions have no size: it was taken from the next symbol or the end of the section",
	NoteUnknown:       "a program section names no known type of program",
	NoteLegacyMap:     "a map is defined the old way, without BTF, or has fields that are not known",
	NoteLenient:       "the name of a program section was matched by how it begins only",
	NoteDataReloc:     "initial data hold addresses that nothing can fill in; they stay as the compiler left them",
	NoteDuplicate:     "two things share a name; the later one was given another or is left out",
	NoteUnused:        "a section was not understood and is left out",
	NoteUndefined:     "something is referred to that the object does not define: it has to be added, or another object linked in",
	NoteAddendInPlace: "instructions hold the addresses of symbols once more, as GNU as 2.40 writes them; they were taken out",
	NoteStaticProgram: "a static function in a section of programs that nothing calls is a program; libbpf refuses it",
	NoteValue:         "a map definition has a value that libbpf refuses; it is kept as it is and has to be changed before loading",
	NoteWrapped:       "a map definition is the only member of another struct, as Rust libraries write it; libbpf refuses it",
	NoteUntyped:       "types have parts of type void, as C++ writes methods and references; they are left out for the kernel",
	NoteMore:          "there are more notes, which are left out",
	NoteTailCall:      "a section with two numbers for its name is an entry of an array of programs, as iproute2 has it",
}

// note adds a note. Names in it are untrusted; they are shortened and escaped here, so that notes
// beyond the limit cost nothing.
func (l *loader) note(code, format string, names ...string) {
	if len(l.c.Notes) >= maxNotes {
		return
	}
	if len(l.c.Notes) == maxNotes-1 {
		code, format, names = NoteMore, NoteTexts[NoteMore], nil
	}
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = object.Show(n)
	}
	l.c.Notes = append(l.c.Notes, spec.Note{Code: code, Text: fmt.Sprintf(format, args...)})
}

// maxNotes bounds what a hostile file can cause to be said.
const maxNotes = 256
