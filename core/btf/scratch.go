package btf

// Scratch is memory for types that are looked at one after the other. The zero value is ready. It
// must not be used concurrently.
type Scratch struct {
	left  memory // for the type that is being read
	whole slabs  // what there is
}

// Read is Type for callers that look at many types once: the type is in memory of s, is valid until
// the next call with s, and the table does not keep it. So it is not the value that Type returns.
// Errors are those of Type.
func (t *Types) Read(id ID, s *Scratch) (Type, error) {
	r, err := t.checkedRecord(id)
	switch {
	case err != nil:
		return nil, err
	case id == 0:
		return &Void{}, nil
	}
	s.room(r)
	return s.left.decode(t.owner(id), r), nil
}

// room makes s as large as a type needs it.
func (s *Scratch) room(r record) {
	if s.whole.structs == nil {
		for k := range s.whole.n {
			s.whole.n[k] = 1
		}
		s.whole.make()
	}
	n := r.vlen()
	switch k := r.kind(); {
	case k.Composite() && n > len(s.whole.members):
		s.whole.members = make([]Member, n+n/2)
	case k.Enum() && n > len(s.whole.values):
		s.whole.values = make([]Enumerator, n+n/2)
	case k == KindFuncProto && n > len(s.whole.params):
		s.whole.params = make([]Param, n+n/2)
	}
	s.left = s.whole.memory
}
