package plan

// Edit is one entry of the write log: what a plugin changed, in order.
type Edit struct {
	Owner  string     // name of the plugin that made it
	Object string     // name of the object
	Kind   string     // "object", "program", "map", "var" or "attach"
	Name   string     // of the thing; for an attachment the program's
	What   string     // property, or "add", "remove", "clone", "insns", "bytes"
	Insns  *InsnRange // instructions, if What is "insns"; otherwise nil
	Old    string
	New    string
}

// InsnRange says which instructions of a program an edit replaced, and by how many.
type InsnRange struct {
	At       int // index of the first one
	Removed  int // how many were there
	Inserted int // how many are there instead
}

// Note is a remark of the plugin that the operator reads with the plan.
type Note struct {
	About string // "program count" or empty for the plan as a whole
	Warn  bool
	Text  string
}

func (n Note) severity() string {
	if n.Warn {
		return "warn"
	}
	return "info"
}
