package report

import "github.com/bpfhost/bpfhost/core/spec"

// CheckError is what is wrong with one object of a collection.
type CheckError struct {
	Object string `json:"object"` // "program", "map", "variable", "extern", "attachment" or "collection"
	Name   string `json:"name"`   // empty for the collection
	Insn   int    `json:"insn"`   // index of the instruction in the program; -1 is none
	Text   string `json:"text"`   // the reason
}

// CheckErrors returns faults of a collection as documents; without any the list is empty, not nil.
func CheckErrors(list []*spec.CheckError) []CheckError {
	docs := make([]CheckError, 0, len(list))
	for _, e := range list {
		docs = append(docs, CheckError{e.Kind.String(), e.Name, e.Insn, e.Err.Error()})
	}
	return docs
}
