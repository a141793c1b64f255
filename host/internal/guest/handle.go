package guest

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
)

// handle is how a guest names an object of the host: kind(5) | generation(11) | index(16).
// Zero is not a handle. It says nothing about the host: no address, descriptor or kernel id.
type handle uint32

const (
	handleIndexBits = 16
	handleGenBits   = 11
	handleIndexMask = 1<<handleIndexBits - 1
	handleGenMask   = 1<<handleGenBits - 1

	maxHandles = (handleIndexMask + 1) * handleGenMask // of one guest, ever
)

func makeHandle(k abi.Kind, gen uint16, index int) handle {
	return handle(uint32(k)<<(handleGenBits+handleIndexBits) | uint32(gen)<<handleIndexBits | uint32(index))
}

func (h handle) kind() abi.Kind { return abi.Kind(h >> (handleGenBits + handleIndexBits)) }
func (h handle) gen() uint16    { return uint16(h >> handleIndexBits & handleGenMask) }
func (h handle) index() int     { return int(h & handleIndexMask) }

// handleBytes is what an open handle holds of the host's memory, in bytes.
const handleBytes = 192

// handles is the table of one guest. An object has one handle as long as that is open, so that a
// guest which looks something up in a loop does not run into the quota.
type handles struct {
	slots []slot
	free  []int          // closed slots, oldest first: a generation comes back as late as possible
	byObj map[any]handle // open handles by their object
	max   int            // quota of open handles
	held  *budget.Account
}

type slot struct {
	obj any // nil: closed
	gen uint16
}

func newHandles(maxOpen int, held *budget.Account) *handles {
	return &handles{byObj: make(map[any]handle), max: min(maxOpen, handleIndexMask+1), held: held}
}

// open returns the object's handle, a new one if it has none.
func (t *handles) open(k abi.Kind, obj any) (handle, error) {
	if h, ok := t.byObj[obj]; ok {
		return h, nil
	}
	if len(t.byObj) >= t.max {
		return 0, budget.TooMany("open handles", len(t.byObj)+1, t.max, "close some with handle_close")
	}
	if err := t.held.Take(handleBytes); err != nil {
		return 0, err
	}
	i, ok := t.freeSlot()
	if !ok {
		t.held.Return(handleBytes)
		return 0, budget.TooMany("handles ever opened", maxHandles+1, maxHandles, "open fewer handles again and again")
	}
	t.slots[i].obj = obj
	h := makeHandle(k, t.slots[i].gen, i)
	t.byObj[obj] = h
	return h, nil
}

// freeSlot takes the slot that has been closed longest, or makes one. Fresh slots come first while
// the table is small, since each reuse brings a stale handle's generation nearer.
func (t *handles) freeSlot() (int, bool) {
	if len(t.slots) <= handleIndexMask && (len(t.free) == 0 || len(t.slots) < t.max) {
		t.slots = append(t.slots, slot{gen: 1})
		return len(t.slots) - 1, true
	}
	if len(t.free) == 0 {
		return 0, false
	}
	i := t.free[0]
	t.free = t.free[1:]
	return i, true
}

// get returns the object of a handle of the wanted kind: abi.ErrBadh when the handle is not or
// no longer open, abi.ErrKind when it is of another kind.
func (t *handles) get(raw uint32, want abi.Kind) (any, error) {
	h := handle(raw)
	obj, err := t.any(raw)
	if err != nil {
		return nil, err
	}
	if h.kind() != want {
		return nil, failf(abi.ErrKind, "handle %#x is a %s, not a %s", raw, h.kind(), want)
	}
	return obj, nil
}

// any returns the object of a handle of any kind.
func (t *handles) any(raw uint32) (any, error) {
	h := handle(raw)
	if i := h.index(); i < len(t.slots) {
		s := t.slots[i]
		// The whole handle is compared: a forged kind on a live index is as bad as a stale one.
		if s.obj != nil && t.byObj[s.obj] == h {
			return s.obj, nil
		}
	}
	return nil, failf(abi.ErrBadh, "handle %#x is not open", raw)
}

// close ends a handle; it stays invalid for good. A slot whose generations are used up is retired.
func (t *handles) close(raw uint32) error {
	obj, err := t.any(raw)
	if err != nil {
		return err
	}
	t.drop(obj)
	return nil
}

// drop closes the object's handle, if it has one, because the object is gone.
func (t *handles) drop(obj any) {
	h, ok := t.byObj[obj]
	if !ok {
		return
	}
	delete(t.byObj, obj)
	t.held.Return(handleBytes)
	s := &t.slots[h.index()]
	s.obj = nil
	if s.gen < handleGenMask {
		s.gen++
		t.free = append(t.free, h.index())
	}
}

// each calls f for every open handle's object, in order of its slot.
func (t *handles) each(f func(obj any)) {
	for _, s := range t.slots {
		if s.obj != nil {
			f(s.obj)
		}
	}
}

// closeAll ends every handle.
func (t *handles) closeAll() {
	for i := range t.slots {
		if obj := t.slots[i].obj; obj != nil {
			t.drop(obj)
		}
	}
}
