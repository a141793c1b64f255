// Package oneline joins errors into one that is still a single line.
package oneline

import "strings"

// Join returns an error that wraps all of errs but the nil ones, first what happened first, as
// errors.Join does; its text stays on one line. It is nil when all are, and the error itself when
// there is one.
func Join(errs ...error) error {
	var list joined
	for _, err := range errs {
		if err != nil {
			list = append(list, err)
		}
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}

type joined []error

// Error returns the texts with "; also: " between them.
func (j joined) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; also: ")
}

// Unwrap returns the errors.
func (j joined) Unwrap() []error { return j }
