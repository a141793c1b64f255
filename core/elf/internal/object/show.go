package object

import "github.com/bpfhost/bpfhost/internal/quote"

// Show makes a name fit for a message, where %q puts it in quotes: names come from untrusted files.
func Show(name string) quote.Name { return quote.Name(name) }
