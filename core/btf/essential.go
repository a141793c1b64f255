package btf

import (
	"bytes"
	"strings"
)

// flavorSep begins the part of a name that CO-RE ignores: struct foo___v2 is a flavor of struct
// foo.
var flavorSep = []byte("___")

// Essential returns a name without its flavor: what is before the last "___" between
// characters other than "_".
func Essential(name string) string {
	if !strings.Contains(name, string(flavorSep)) {
		return name // nearly all
	}
	return name[:essentialLen([]byte(name))]
}

func essential(name []byte) []byte { return name[:essentialLen(name)] }

func essentialLen(name []byte) int {
	if !bytes.Contains(name, flavorSep) {
		return len(name)
	}
	end := len(name) - 1
	for end > 0 {
		i := bytes.LastIndex(name[:end], flavorSep)
		if i <= 0 {
			break
		}
		if name[i-1] != '_' && name[i+3] != '_' {
			return i
		}
		end = i + 2
	}
	return len(name)
}
