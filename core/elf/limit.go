package elf

import "fmt"

// LimitError says that an object has more of something than [Options] allow.
type LimitError struct {
	Option string // name of the field of Options that raises the limit: "MaxData"
	Max    uint64 // the limit: bytes, of MaxInsns instructions
	text   string
}

// Error says what there is too much of and names the option.
func (e *LimitError) Error() string { return e.text + " (elf.Options." + e.Option + ")" }

// limitError makes an error from the option and what there is too much of.
func limitError(option string, max uint64, format string, args ...any) error {
	return &LimitError{Option: option, Max: max, text: fmt.Sprintf(format, args...)}
}

// dataLimit says that a section of n bytes has too much data.
func (o Options) dataLimit(n uint64) error {
	return limitError("MaxData", o.MaxData, "%d bytes of data are more than the limit of %d for all sections", n, o.MaxData)
}
