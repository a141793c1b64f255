package lab

import (
	"io/fs"
	"strings"
)

// keepFile picks what tests read of the repository: no Go code, no history, nothing hidden.
func keepFile(rel string, d fs.DirEntry) bool {
	return !strings.HasPrefix(d.Name(), ".") && (d.IsDir() || !strings.HasSuffix(rel, ".go"))
}
