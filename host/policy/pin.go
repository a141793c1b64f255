package policy

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
)

// Pin is where a map that is pinned by its name is found, and whose it is.
type Pin struct {
	Path   string // on the BPF file system; empty where the map cannot be pinned
	Owner  string // the plugin that it belongs to, see Owner; empty where it is shared
	Shared bool   // with other plugins that are granted the same name
}

// sharedDir is the directory, below the root of pins, of those that several plugins use. No owner has
// this name.
const sharedDir = "shared"

// ownerDigits is how much of a digest names an owner: too much to find another plugin that has it.
const ownerDigits = 32

// Owner names whose pins a plugin's are. A signed plugin is known by the key that signed it first and
// the name that it has for itself, which the signer vouches for, so that the next build finds what
// this one pinned. Any other is known by the digest of its module. It is empty where neither is known.
func Owner(sha256Hex string, signers []signature.Key, name string) string {
	switch {
	case len(signers) > 0:
		sum := sha256.Sum256([]byte(string(signers[0]) + "\n" + name))
		return "signed-" + hex.EncodeToString(sum[:])[:ownerDigits]
	case len(sha256Hex) >= ownerDigits:
		return "sha256-" + sha256Hex[:ownerDigits]
	}
	return ""
}

// Pin says where a map is pinned; false for one that is not. It is asked for accesses, plans and
// loads alike.
func (f *Final) Pin(m *spec.Map) (Pin, bool) {
	if m.Pinning == spec.PinNone {
		return Pin{}, false
	}
	dir := f.PinDir
	if dir == "" {
		dir = PinRoot
	}
	p := Pin{Owner: Owner(f.SHA256, f.Signers, f.Plugin)}
	sub := p.Owner
	if f.Requests.asksFor(Access{Kind: KindPinShare, Name: m.Name}) {
		p.Owner, p.Shared, sub = "", true, sharedDir
	}
	if sub != "" {
		p.Path, _ = spec.PinPath(dir+"/"+sub, m.Name)
	}
	return p, true
}

// Pins returns the pins of all maps of a collection that have one, by name of the map.
func (f *Final) Pins(c *spec.Collection) map[string]Pin {
	var pins map[string]Pin
	for _, m := range c.Maps {
		if p, ok := f.Pin(m); ok {
			if pins == nil {
				pins = make(map[string]Pin)
			}
			pins[m.Name] = p
		}
	}
	return pins
}
