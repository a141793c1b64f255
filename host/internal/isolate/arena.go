package isolate

// arena keeps the copies that one host function asks for.
type arena struct{ b []byte }

// keptCopies is how much of an arena is kept for the next host function, in bytes.
const keptCopies = 1 << 20

// reset makes the arena empty. What it held may be overwritten.
func (a *arena) reset() {
	if cap(a.b) > keptCopies {
		a.b = nil
	}
	a.b = a.b[:0]
}

// clone returns a copy.
func (a *arena) clone(b []byte) []byte {
	if len(b) > cap(a.b)-len(a.b) {
		// What was cloned before stays where it is.
		a.b = make([]byte, 0, max(2*cap(a.b), len(b), 4<<10))
	}
	from := len(a.b)
	a.b = append(a.b, b...)
	return a.b[from:len(a.b):len(a.b)]
}
