package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// Info is what a plugin is.
type Info struct {
	Name     string    `json:"name"`
	Version  string    `json:"version,omitempty"`
	Doc      string    `json:"doc,omitempty"` // one sentence
	ABIMajor uint16    `json:"abi_major"`     // version of the ABI that it was built for
	ABIMinor uint16    `json:"abi_minor"`
	ABIHash  string    `json:"abi_hash,omitempty"` // definition that its SDK was made from; empty is unknown
	SHA256   string    `json:"sha256"`             // of the module, in hex
	Signers  []string  `json:"signers,omitempty"`  // public keys that signed the module, verified
	Size     int       `json:"size"`               // of the module, in bytes
	Params   []Param   `json:"params,omitempty"`
	Requests []string  `json:"requests,omitempty"` // what it requests, in policy words
	Sections []Section `json:"sections,omitempty"`
	Hooks    []string  `json:"hooks,omitempty"`   // functions that it exports for the host to call
	Imports  []string  `json:"imports,omitempty"` // functions that it imports, "module.name"
}

// ParamNames says in a message what a plugin takes.
func (i Info) ParamNames() string {
	if len(i.Params) == 0 {
		return "the plugin takes none"
	}
	names := make([]string, len(i.Params))
	for n, p := range i.Params {
		names[n] = p.Name
	}
	return "the plugin takes " + strings.Join(names, ", ")
}

// ParamType says what a parameter takes.
type ParamType string

// The types of parameters.
const (
	ParamString ParamType = "string" // text
	ParamU64    ParamType = "u64"    // number from 0 up: decimal, or hexadecimal after 0x
	ParamBool   ParamType = "bool"   // true or false
)

// Param is a parameter that a plugin declares.
type Param struct {
	Name     string    `json:"name"`
	Type     ParamType `json:"type"`
	Default  string    `json:"default,omitempty"`
	Doc      string    `json:"doc,omitempty"`
	Required bool      `json:"required,omitempty"`
}

// Check says why a value is none of the parameter's type: "is …".
func (p Param) Check(value string) error {
	switch p.Type {
	case ParamU64:
		if _, err := strconv.ParseUint(value, 0, 64); err != nil {
			return fmt.Errorf("is %q, not a number from 0 to %d (0x… is hexadecimal)", value, uint64(1<<64-1))
		}
	case ParamBool:
		if value != "true" && value != "false" {
			return fmt.Errorf("is %q, neither true nor false", value)
		}
	}
	return nil
}

// Section is a name of program sections that a plugin declares, for objects whose sections the host
// does not know. What docs/sections.md has comes first.
type Section struct {
	Name       string `json:"name"` // one that ends in + also stands before a slash and what to attach to
	Type       string `json:"type"` // program type, e.g. "xdp"
	AttachType string `json:"attach_type,omitempty"`
	Flags      uint32 `json:"flags,omitempty"` // bits of bpf_attr.prog_flags
}
