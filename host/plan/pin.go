package plan

import "github.com/bpfhost/bpfhost/host/policy"

// Pin is where a map of the plan is pinned, as the policy evaluated it.
type Pin struct {
	policy.Pin
	Exists *bool // a map is there, which is used as it is; nil is not known
}

// PinsOf returns the pins of a policy, of which it is not known whether they exist.
func PinsOf(list map[string]policy.Pin) map[string]Pin {
	pins := make(map[string]Pin, len(list))
	for name, p := range list {
		pins[name] = Pin{Pin: p}
	}
	return pins
}

// PinPaths returns the paths of the pins, by name of the map.
func (o *Object) PinPaths() map[string]string {
	paths := make(map[string]string, len(o.Pins))
	for name, p := range o.Pins {
		paths[name] = p.Path
	}
	return paths
}

// pinText says where a map is pinned, for whom, and whether it is there; empty for one that is not.
func (o *Object) pinText(name string) string {
	p, ok := o.Pins[name]
	if !ok {
		return ""
	}
	whose, state := "its own", "not known whether it exists"
	if p.Shared {
		whose = "shared with other plugins"
	}
	switch {
	case p.Path == "":
		return "cannot be pinned"
	case p.Exists != nil && *p.Exists:
		state = "exists, and is used"
	case p.Exists != nil:
		state = "new"
	}
	return "pin " + p.Path + " (" + whose + ", " + state + ")"
}

// jsonPin is a Pin in JSON.
type jsonPin struct {
	Path   string `json:"path"` // empty if it cannot be pinned
	Owner  string `json:"owner,omitempty"`
	Shared bool   `json:"shared,omitempty"`
	Exists *bool  `json:"exists,omitempty"` // left out where it is not known
}

func (o *Object) jsonPin(name string) *jsonPin {
	p, ok := o.Pins[name]
	if !ok {
		return nil
	}
	return &jsonPin{p.Path, p.Owner, p.Shared, p.Exists}
}

// timeless returns the plan without what is of the moment, not of its making: what the kernel said
// to it, and which pins exist. Making it again may tell something else.
func (p *Plan) timeless() *Plan {
	out := *p
	out.Verified = nil
	out.Objects = append([]Object(nil), p.Objects...)
	for i := range out.Objects {
		pins := make(map[string]Pin)
		for name, pin := range out.Objects[i].Pins {
			pins[name] = Pin{Pin: pin.Pin}
		}
		out.Objects[i].Pins = pins
	}
	return &out
}
