package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/host/policy"
)

// size is the value of a flag in bytes; 0 is the default.
type size struct {
	bytes uint64
	text  string
}

// String returns what was given.
func (s *size) String() string { return s.text }

// Set takes a number of bytes, KiB, MiB, GiB or TiB.
func (s *size) Set(text string) error {
	n, ok := policy.ParseSize(text)
	if !ok || n == 0 {
		return fmt.Errorf("want a size such as 65536, 64KiB or 256MiB")
	}
	s.bytes, s.text = n, text
	return nil
}

// Type is what the help text shows for the value.
func (s *size) Type() string { return "SIZE" }

// maxDataFlag is the flag that raises the limit of data in an object.
const maxDataFlag = "max-data"

// dataFlag declares the flag for a command that reads objects. What is read of a file grows with it.
func (a *app) dataFlag(c *cobra.Command) {
	a.maxData = new(size)
	c.Flags().Var(a.maxData, maxDataFlag, "most data of an object, zeroes included (default 64MiB)")
}

// objectOptions is how objects are read.
func (a app) objectOptions(lenient bool) elf.Options {
	o := elf.Options{Lenient: lenient}
	if a.maxData != nil && a.maxData.bytes > 0 {
		o.MaxData, o.MaxFile = a.maxData.bytes, uint64(a.fileLimit())
	}
	return o
}

// fileLimit returns how much is read of a file, in bytes.
func (a app) fileLimit() int64 {
	if a.maxData == nil || a.maxData.bytes == 0 {
		return maxFile
	}
	return maxFile + int64(min(a.maxData.bytes, 1<<40))
}

// raised names the flag in an error about too much data, where the command has it.
func (a app) raised(err error) error {
	var limit *elf.LimitError
	if a.maxData != nil && errors.As(err, &limit) && limit.Option == "MaxData" {
		return fmt.Errorf("%w; --%s raises it", err, maxDataFlag)
	}
	return err
}
