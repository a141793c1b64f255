package report

import "github.com/bpfhost/bpfhost/core/spec"

// Note is something unusual about an object file that did not stop it from being read. The codes
// are those of package elf (docs/sections.md).
type Note struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Notes returns the notes of a collection as documents; without any the list is empty, not nil.
func Notes(list []spec.Note) []Note {
	notes := make([]Note, 0, len(list))
	for _, n := range list {
		notes = append(notes, Note(n))
	}
	return notes
}
