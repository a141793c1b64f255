package spec

import (
	"fmt"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// maxName is the longest name that an object may have, in bytes.
const maxName = 255

// checkName tells whether a new object may have this name: 1 to 255 bytes of UTF-8 without
// control characters.
func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("name is empty")
	case len(name) > maxName:
		return fmt.Errorf("name is %d bytes long, at most %d are allowed", len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %s is not UTF-8", show(name))
	}
	for _, r := range name {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return fmt.Errorf("name %s has a control character", show(name))
		}
	}
	return nil
}

// show quotes a name for a message: names come from untrusted files.
func show(name string) string { return quote.Quoted(name) }
