package budget

import (
	"fmt"
	"strconv"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Unit is what the numbers of a limit count.
type Unit uint8

// The units of limits.
const (
	Count Unit = iota // things
	Bytes
	Time // nanoseconds
)

// LimitError says that a plugin reached a limit of the host. It wraps abi.ErrLimit.
type LimitError struct {
	Plugin string // name of the plugin; empty where only what it called knows of the limit
	Export string // the export that was stopped for it; empty if a call was refused and the plugin went on
	What   string // what there is too much of: "wall time", "handles", "memory of the host"
	Used   uint64 // what there is, or would be with what was asked for, in Unit
	Max    uint64 // the limit, in Unit
	Unit   Unit   // what Used and Max count
	Advice string // what to do, for the plugin's author or the operator; empty is nothing
}

// Error is one line without control characters.
func (e *LimitError) Error() string {
	switch {
	case e.Export == "":
		return e.refusal()
	case e.Plugin == "":
		return fmt.Sprintf("%s limit of %s reached in %s", e.What, e.Text(e.Max), e.Export)
	}
	return fmt.Sprintf("plugin %s: %s: %s limit of %s reached; the plugin was stopped", quote.Text(e.Plugin), e.Export, e.What, e.Text(e.Max))
}

// refusal is the error of a call.
func (e *LimitError) refusal() string {
	s := fmt.Sprintf("%s: %s exceed the limit of %s", e.What, e.Text(e.Used), e.Text(e.Max))
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

// Unwrap returns abi.ErrLimit.
func (e *LimitError) Unwrap() error { return abi.ErrLimit }

// Text returns a number of e with its unit: "4096", "256 MiB", "1000 bytes", "1.5s".
func (e *LimitError) Text(n uint64) string {
	switch {
	case e.Unit == Time:
		return time.Duration(n).String()
	case e.Unit == Count:
		return strconv.FormatUint(n, 10)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Late is the error of an export that took longer than it may.
func Late(export string, took, limit time.Duration) *LimitError {
	return &LimitError{Export: export, What: "wall time", Used: uint64(took), Max: uint64(limit), Unit: Time}
}

// TooMany is the error of a call that would make more things than there may be.
func TooMany(what string, used, max int, advice string) *LimitError {
	return &LimitError{What: what, Used: uint64(used), Max: uint64(max), Advice: advice}
}

// TooLarge is TooMany for bytes.
func TooLarge(what string, used, max int, advice string) *LimitError {
	return &LimitError{What: what, Used: uint64(used), Max: uint64(max), Unit: Bytes, Advice: advice}
}
