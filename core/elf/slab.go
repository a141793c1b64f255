package elf

// slab makes values in blocks, which takes fewer allocations than one for each. Blocks grow, so that
// little is left over.
type slab[T any] struct {
	free []T
	size int
}

// next returns a new zero value.
func (s *slab[T]) next() *T { return &s.many(1)[0] }

// many returns n new zero values.
func (s *slab[T]) many(n int) []T {
	if len(s.free) < n {
		s.size = max(n, min(max(4, 2*s.size), 256))
		s.free = make([]T, s.size)
	}
	v := s.free[:n:n]
	s.free = s.free[n:]
	return v
}
