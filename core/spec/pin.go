package spec

import "strings"

// PinStaging begins the names of the directories in which pins wait until they are published. No pin
// has such a name.
const PinStaging = "bpfhost-staging"

// PinPath returns where a map that is shared by name (PinByName) is pinned in a directory of a bpf
// file system; false for a name that cannot be that of a pin.
func PinPath(dir, name string) (path string, ok bool) {
	if name == "" || strings.ContainsAny(name, "./\x00") || strings.HasPrefix(name, PinStaging) {
		return "", false
	}
	return dir + "/" + name, true
}
