package host

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/abi"
)

// fill moves records from the ring to the guest's buffer until that is full or the ring is empty.
func (x *instance) fill(s *source, now time.Time) (full bool, err error) {
	view, ok := x.guest.View(s.ptr, s.size)
	if !ok {
		return false, &PluginError{Plugin: x.info.Name, Export: hookEvents.export, Kind: PluginABI, Err: fmt.Errorf("the buffer of source %s left the guest's memory", s.name)}
	}
	if s.held {
		if !s.put(view, s.spill, abi.EventData, now) {
			return true, nil
		}
		s.held = false
	}
	if len(s.batch) >= s.maxRecords {
		return true, nil
	}
	if s.tellLost(view, now); len(s.batch) >= s.maxRecords {
		return true, nil
	}
	_, err = s.ring.Drain(func(rec []byte) bool {
		if !s.put(view, rec, abi.EventData, now) {
			s.spill = append(s.spill[:0], rec...)
			s.held, full = true, true
			return false
		}
		full = len(s.batch) >= s.maxRecords
		return !full
	})
	if err != nil {
		err = fmt.Errorf("read events of plugin %s: %w", SafeText(x.info.Name), err)
	}
	return full, err
}

// put writes one record behind the others. It reports false when the buffer has to be handed over
// first. A record that the buffer can never hold is dropped and counted.
func (s *source) put(view, rec []byte, kind uint32, now time.Time) bool {
	need := uint64(eventHeader) + (uint64(len(rec))+7)&^7
	if need > uint64(s.size) {
		s.account.Dropped++
		s.seq++ // the guest sees that one is missing
		return true
	}
	if uint64(s.used)+need > uint64(s.size) {
		return false
	}
	if len(s.batch) == 0 {
		s.first = now
	}
	b := view[s.used : uint64(s.used)+need]
	h := abi.EventHeader{Len: uint32(len(rec)), Kind: kind, Seq: s.seq}
	h.Put(b)
	n := copy(b[eventHeader:], rec)
	clear(b[eventHeader+n:])
	s.used += uint32(need)
	s.batch = append(s.batch, recordAt{s.used, kind == abi.EventData})
	if kind == abi.EventData {
		s.seq++
	}
	return true
}

// tellLost puts a record of the host's own into the batch when programs lost records.
func (s *source) tellLost(view []byte, now time.Time) {
	if s.lost == nil || now.Sub(s.asked) < lostEvery || uint64(s.used)+lostRecordLength > uint64(s.size) {
		return
	}
	s.asked = now
	n, err := s.lost.read()
	if err != nil || n <= s.told {
		return
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n-s.told)
	if s.put(view, b[:], abi.EventLost, now) {
		s.told = n
	}
}

// deliver hands a batch to the guest and takes away what it consumed. The error ends the run.
func (x *instance) deliver(ctx context.Context, s *source, now time.Time) error {
	if len(s.batch) == 0 {
		return nil
	}
	s.account.Batches++
	s.calling = true
	rc, err := x.call(ctx, hookEvents, uint64(s.handle), uint64(s.ptr), uint64(s.used), uint64(len(s.batch)))
	s.calling = false
	if s.leaving {
		defer x.run.closeSource(s)
	}
	if err != nil {
		s.dropBatch()
		return err
	}
	if rc < 0 {
		s.dropBatch()
		if s.bad++; s.bad >= x.limits.BadBatches {
			return fmt.Errorf("%d batches in a row: %w", s.bad, x.hookFailed(hookEvents.export, rc))
		}
		return nil
	}
	s.bad = 0
	n := min(int(rc), len(s.batch))
	if n == 0 {
		s.retry = now.Add(retryAfter)
	}
	s.account.Delivered += dataRecords(s.batch[:n])
	return x.shift(s, n)
}

// shift moves the records behind the first n to the front of the guest's buffer.
func (x *instance) shift(s *source, n int) error {
	if n == 0 {
		return nil
	}
	if n == len(s.batch) {
		s.batch, s.used = s.batch[:0], 0
		return nil
	}
	view, ok := x.guest.View(s.ptr, s.size)
	if !ok {
		return &PluginError{Plugin: x.info.Name, Export: hookEvents.export, Kind: PluginABI, Err: fmt.Errorf("the buffer of source %s left the guest's memory", s.name)}
	}
	from := s.batch[n-1].end
	copy(view, view[from:s.used])
	s.used -= from
	s.batch = append(s.batch[:0], s.batch[n:]...)
	for i := range s.batch {
		s.batch[i].end -= from
	}
	return nil
}

func dataRecords(batch []recordAt) uint64 {
	n := uint64(0)
	for _, r := range batch {
		if r.data {
			n++
		}
	}
	return n
}

// dropBatch gives up the records in the guest's buffer.
func (s *source) dropBatch() {
	s.account.Dropped += dataRecords(s.batch)
	s.batch, s.used = s.batch[:0], 0
}

// dropRest gives up everything that is in the buffer and in the ring.
func (s *source) dropRest() {
	s.dropBatch()
	if s.held {
		s.account.Dropped++
		s.held = false
	}
	// An error means that the ring is gone, and with it what was in it.
	_, _ = s.ring.Drain(func([]byte) bool { s.account.Dropped++; return true })
}
