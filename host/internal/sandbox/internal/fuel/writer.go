package fuel

import "github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"

// writer copies a module and puts in what meters it.
type writer struct {
	in   []byte
	pos  int // in in
	out  []byte
	m    *module.Module
	next int // mark

	imports      uint32 // functions from here on have moved by one
	refill, take uint32 // indexes of functions
	fuel, stack  uint32 // indexes of globals

	types                []module.FuncType // added
	blocks               []uint32          // of each type with several results, the type of a block that leaves them
	refillType, takeType uint32

	graph *graph
	meter meter   // of the function that is written
	loops []guard // that are open
}

// sectionOrder is the place of each section by its id (WebAssembly 2.0, section 5.5.2).
var sectionOrder = [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 12: 10, 10: 11, 11: 12}

// added are the sections that get entries.
var added = [...]uint8{1, 2, 3, 6, 7, 10}

// module writes all sections.
func (w *writer) module(stack uint32) {
	w.out = append(w.out, w.in[:8]...)
	extra := map[uint8][]byte{
		1: w.typeEntries(), 2: w.importEntry(), 3: leb(nil, w.takeType), 6: globalEntries(stack),
		7: w.exportEntries(), 10: w.takeBody(),
	}
	count := map[uint8]uint32{1: uint32(len(w.types)), 2: 1, 3: 1, 6: 2, 7: 2, 10: 1}
	missing := added[:]
	for i := range w.m.Spans {
		s := &w.m.Spans[i]
		order := len(sectionOrder)
		if s.ID != 0 {
			order = sectionOrder[s.ID]
		}
		for len(missing) > 0 && s.ID != 0 && sectionOrder[missing[0]] < order {
			w.section(nil, missing[0], count[missing[0]], extra[missing[0]])
			missing = missing[1:]
		}
		if len(missing) > 0 && s.ID == missing[0] {
			missing = missing[1:]
		}
		w.section(s, s.ID, count[s.ID], extra[s.ID])
	}
	for _, id := range missing {
		w.section(nil, id, count[id], extra[id])
	}
}

// section writes a section, nil for one that the module does not have, with so many more entries.
func (w *writer) section(s *module.Span, id uint8, more uint32, extra []byte) {
	w.out = append(w.out, id)
	size := w.openSize()
	n := uint32(0)
	if s != nil {
		w.next++ // the mark of the section's size
		w.pos = s.Start
		if more > 0 {
			var width int
			n, width = module.Uint32(w.in[s.Start:s.End])
			w.pos += width
		}
	}
	if more > 0 {
		w.out = leb(w.out, n+more)
	}
	if s != nil {
		w.copyTo(s.End)
	}
	w.out = append(w.out, extra...)
	w.closeSize(size)
}

// openSize leaves room for a size, as a number of full length, and closeSize fills it.
func (w *writer) openSize() int {
	w.out = append(w.out, 0x80, 0x80, 0x80, 0x80, 0x00)
	return len(w.out)
}

func (w *writer) closeSize(at int) {
	n := len(w.out) - at
	for i := range 5 {
		w.out[at-5+i] |= byte(n >> (7 * i) & 0x7f)
	}
}

// copy copies up to an offset of the input.
func (w *writer) copy(end int) {
	w.out = append(w.out, w.in[w.pos:end]...)
	w.pos = end
}

// copyTo copies up to an offset of the input, with what its marks ask for.
func (w *writer) copyTo(end int) {
	marks := w.m.Marks
	for w.next < len(marks) && int(marks[w.next].Pos) < end {
		mark := &marks[w.next]
		w.next++
		w.copy(int(mark.Pos))
		switch mark.Kind {
		case module.Size:
			w.skipNumber()
			size := w.openSize()
			if w.next < len(marks) && marks[w.next].Kind == module.Start &&
				w.m.Bodies[marks[w.next].Arg].Locals == w.pos {
				w.next++
				w.body(int(marks[w.next-1].Arg))
			} else {
				w.copyTo(int(mark.Arg))
			}
			w.closeSize(size)
		case module.Index:
			w.skipNumber()
			w.out = leb(w.out, w.moved(mark.Arg))
		case module.LoopHead:
			w.loop(&w.m.Loops[mark.Arg])
		case module.LoopEnd:
			w.endLoop()
		case module.Branch:
			label, width := module.Uint32(w.in[w.pos:])
			w.pos += width
			w.out = leb(w.out, label+w.guards(int(mark.Arg)))
		case module.Return:
			w.leave(mark.Arg)
		case module.Bulk:
			w.bulk(mark.Arg)
		case module.Grow:
			w.grow()
		}
	}
	w.copy(end)
}

// skipNumber passes over a number of the input.
func (w *writer) skipNumber() {
	_, width := module.Uint32(w.in[w.pos:])
	w.pos += width
}

// moved returns the new index of a function.
func (w *writer) moved(i uint32) uint32 {
	if i >= w.imports {
		return i + 1
	}
	return i
}

// leb appends an unsigned number.
func leb(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// sleb appends a signed number that is not negative.
func sleb(b []byte, v int64) []byte {
	for v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}
