package object

// ByName finds what a section has by name; what shares a name with another, as static variables of
// linked objects do, by name and offset. The zero value is empty.
type ByName[T any] struct {
	names  map[string]named[T]
	shared map[sharedName]T
}

// named is the first thing of a name.
type named[T any] struct {
	value  T
	offset uint64
	shared bool
}

type sharedName struct {
	name   string
	offset uint64
}

// Add adds a thing at an offset of the section.
func (b *ByName[T]) Add(name string, offset uint64, value T) {
	first, ok := b.names[name]
	if !ok {
		if b.names == nil {
			b.names = make(map[string]named[T])
		}
		b.names[name] = named[T]{value: value, offset: offset}
		return
	}
	if b.shared == nil {
		b.shared = make(map[sharedName]T)
	}
	if !first.shared {
		first.shared = true
		b.names[name] = first
		b.shared[sharedName{name, first.offset}] = first.value
	}
	b.shared[sharedName{name, offset}] = value
}

// Find returns the thing of that name. The offset counts where several share the name.
func (b *ByName[T]) Find(name string, offset uint64) (T, bool) {
	first, ok := b.names[name]
	if !first.shared {
		return first.value, ok
	}
	value, ok := b.shared[sharedName{name, offset}]
	return value, ok
}

// Clear removes everything.
func (b *ByName[T]) Clear() {
	clear(b.names)
	clear(b.shared)
}
