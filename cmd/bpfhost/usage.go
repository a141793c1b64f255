package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/internal/nearest"
)

// usageError says that the command line cannot be understood.
type usageError struct {
	text string
	cmd  string // command whose help to read
}

func (e *usageError) Error() string { return e.text }

func badUsage(c *cobra.Command, format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...), cmd: c.CommandPath()}
}

// noCommand refuses what stands where a command belongs, and names the nearest one.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(", did you mean %q?", near[0])
	}
	return badUsage(c, "%s", text)
}

// badFlag makes a usage error of what the flag parser says, with the nearest flag for an unknown
// one.
func badFlag(c *cobra.Command, err error) error {
	text := err.Error()
	var unknown interface{ GetSpecifiedName() string }
	if errors.As(err, &unknown) && strings.HasPrefix(text, "unknown flag") {
		if near := nearest.Name(unknown.GetSpecifiedName(), flagNames(c)); near != "" {
			text += fmt.Sprintf(", did you mean --%s?", near)
		}
	}
	return badUsage(c, "%s: %s", c.Name(), text)
}

// flagLine matches the start of a flag's line in the help text.
var flagLine = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`)

// flagNames lists the command's flags. They are taken from its help text, because naming the flag
// type would take an import of the parser.
func flagNames(c *cobra.Command) []string {
	var names []string
	for _, m := range flagLine.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
		names = append(names, m[1])
	}
	return names
}

// choice is a flag that takes one of a few words. The first is the default.
type choice struct {
	value string
	of    []string
}

func newChoice(of ...string) choice { return choice{value: of[0], of: of} }

// String returns the chosen word.
func (c *choice) String() string { return c.value }

// Set takes a word of the list.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		return fmt.Errorf("want %s", strings.Join(c.of, " or "))
	}
	c.value = s
	return nil
}

// Type is what the help text shows for the value.
func (c *choice) Type() string { return strings.Join(c.of, "|") }

// noArgs is for commands that take flags only.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badUsage(c, "%s: unexpected argument %q", c.Name(), args[0])
	}
	return nil
}
