package ring

import (
	"context"
	"fmt"
)

// The header of a record (include/uapi/linux/bpf.h, BPF_RINGBUF_…): one word with the length and two
// marks, one word that is the kernel's own.
const (
	busy       = 1 << 31 // not finished yet
	discarded  = 1 << 30
	headerSize = 8
)

// batch is after how many records their room is given back to the kernel while draining. Each time
// costs a memory barrier; a full ring loses records, so it should not be too rare.
const batch = 64

// Drain calls fn with each finished record that was in the ring when Drain began, in the order in which
// they were reserved, until fn returns false: that record counts as read, too. It returns how many
// it delivered. rec is a view of the shared memory: it must not be changed or kept.
//
// An unfinished record holds up all after it, so Drain ends there. fn must not call
// Drain or Read.
func (r *Reader) Drain(fn func(rec []byte) bool) (n int, err error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if err := r.enter(); err != nil {
		return 0, err
	}
	defer r.leave()
	end, err := r.begin()
	if err != nil {
		return 0, err
	}
	var s Stats
	defer func() { n = r.finish(s) }() // also when fn panics
	for since := 0; r.next < end; since++ {
		if since == batch {
			since = 0
			r.ring.Consumer.Store(r.next)
		}
		rec, skip, ok, err := r.record(end)
		if err != nil || !ok {
			return 0, err
		}
		if skip {
			s.Discarded++
			continue
		}
		s.Records++
		s.Bytes += uint64(len(rec))
		if !fn(rec) || r.closed.Load() {
			break
		}
	}
	return 0, nil
}

// Read waits for one record and appends a copy of it to dst. See Wait for its errors.
func (r *Reader) Read(ctx context.Context, dst []byte) ([]byte, error) {
	for {
		dst, ok, err := r.copyOne(dst)
		if ok || err != nil {
			return dst, err
		}
		if err := r.Wait(ctx); err != nil {
			return dst, err
		}
	}
}

// copyOne appends the next finished record to dst, if there is one.
func (r *Reader) copyOne(dst []byte) (out []byte, ok bool, err error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if err := r.enter(); err != nil {
		return dst, false, err
	}
	defer r.leave()
	end, err := r.begin()
	if err != nil {
		return dst, false, err
	}
	var s Stats
	for r.next < end && s.Records == 0 {
		rec, skip, ok, e := r.record(end)
		if e != nil || !ok {
			err = e
			break
		}
		if skip {
			s.Discarded++
			continue
		}
		s.Records++
		s.Bytes += uint64(len(rec))
		dst = append(dst, rec...)
	}
	r.finish(s)
	return dst, s.Records > 0, err
}

// begin checks the positions and returns where the records end for now.
func (r *Reader) begin() (end uint64, err error) {
	if at := r.ring.Consumer.Load(); at != r.next {
		return 0, fmt.Errorf("read ring %q: %w", r.name, ErrConsumer)
	}
	end = r.ring.Producer.Load()
	if end < r.next || end-r.next > r.mask+1 || r.next%8 != 0 {
		return 0, fmt.Errorf("read ring %q: positions %d and %d are inconsistent", r.name, r.next, end)
	}
	return end, nil
}

// record returns the next record and moves past it. skip says that it was discarded; ok is false
// when it is not finished.
func (r *Reader) record(end uint64) (rec []byte, skip, ok bool, err error) {
	off := int(r.next & r.mask)
	head := r.ring.Header(off)
	if head&busy != 0 {
		return nil, false, false, nil
	}
	length := uint64(head &^ (busy | discarded))
	total := (headerSize + length + 7) &^ 7
	if total > end-r.next {
		return nil, false, false, fmt.Errorf("read ring %q: record of %d bytes at position %d ends after the last one, %d", r.name, length, r.next, end)
	}
	r.next += total
	from := off + headerSize
	return r.ring.Data[from : from+int(length) : from+int(length)], head&discarded != 0, true, nil
}

// finish gives the room of what was read back to the kernel and counts it.
func (r *Reader) finish(s Stats) int {
	r.ring.Consumer.Store(r.next)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Records += s.Records
	r.stats.Bytes += s.Bytes
	r.stats.Discarded += s.Discarded
	return int(s.Records)
}
