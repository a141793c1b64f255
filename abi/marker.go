package abi

import "bytes"

// markerPrefix starts the text that the SDKs put into every guest: "bpfhost-abi:1.0:" and the hash
// in hexadecimal.
const markerPrefix = "bpfhost-abi:"

// Marker is that text for this definition.
func Marker() string { return markerPrefix + Current.String() + ":" + Hash() }

// FindMarker looks in a module for the text that the SDKs leave there, and returns its version and
// hash. It tells people what a guest was built with and decides nothing: a guest can put there what
// it likes.
func FindMarker(module []byte) (version, hash string, ok bool) {
	for {
		i := bytes.Index(module, []byte(markerPrefix))
		if i < 0 {
			return "", "", false
		}
		module = module[i+len(markerPrefix):]
		v, rest, found := bytes.Cut(module[:min(len(module), 80)], []byte(":"))
		if found && isVersion(v) && len(rest) >= 64 && isHex(rest[:64]) {
			return string(v), string(rest[:64]), true
		}
	}
}

func isVersion(b []byte) bool {
	major, minor, ok := bytes.Cut(b, []byte("."))
	return ok && isDigits(major) && isDigits(minor)
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 5
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
