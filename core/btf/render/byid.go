package render

import "github.com/bpfhost/bpfhost/core/btf"

// byID has a value for each id of a table, zero at first. It takes memory only for pages of the
// table in which one was asked for, so that what needs a few types of a kernel costs little.
type byID[T any] struct {
	pages []*[pageTypes]T
}

// pageTypes is how many types share a page.
const pageTypes = 256

func newByID[T any](t *btf.Types) byID[T] {
	return byID[T]{make([]*[pageTypes]T, t.Len()/pageTypes+1)}
}

// at returns the value of an id, which must be one of the table.
func (b *byID[T]) at(id btf.ID) *T {
	p := b.pages[id/pageTypes]
	if p == nil {
		p = new([pageTypes]T)
		b.pages[id/pageTypes] = p
	}
	return &p[id%pageTypes]
}

// all returns the values of ids in pages that have been asked for, in order.
func (b *byID[T]) all(yield func(btf.ID, *T) bool) {
	for n, p := range b.pages {
		if p == nil {
			continue
		}
		for i := range p {
			if !yield(btf.ID(n*pageTypes+i), &p[i]) {
				return
			}
		}
	}
}
