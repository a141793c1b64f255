package plan

// Verification is what the kernel said to a plan that was loaded, not attached, and unloaded.
type Verification struct {
	Programs int    `json:"programs"` // how many it took
	Reason   string `json:"reason"`   // why it did not take the rest; empty when it took all
}

// verified writes what the kernel said.
func (t *planText) verified() {
	switch v := t.plan.Verified; {
	case v == nil:
	case v.Reason != "":
		t.line("Verified: the kernel refuses it: %s.", v.Reason)
	default:
		t.line("Verified: the kernel takes all %d program%s; unloaded again.", v.Programs, plural(v.Programs))
	}
}
