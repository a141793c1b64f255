package events

import (
	"time"

	"github.com/bpfhost/bpfhost/abi"
)

// eventHeader is the size of what stands before each record in the guest's buffer.
const eventHeader = abi.EventHeaderSize

// batch is the records that wait in the guest's buffer.
type batch struct {
	size    uint32     // of the buffer, in bytes
	used    uint32     // bytes that hold records
	records []recordAt // what they are
	oldest  time.Time  // when the first of them arrived
	seq     uint64     // number of the next record
}

// recordAt is one record in the guest's buffer.
type recordAt struct {
	end  uint32 // offset after it
	data bool   // not one of the host's own
}

func (b *batch) len() int    { return len(b.records) }
func (b *batch) empty() bool { return len(b.records) == 0 }

// fits reports whether so many bytes are free.
func (b *batch) fits(n uint64) bool { return uint64(b.used)+n <= uint64(b.size) }

// space is what a record takes in the buffer.
func space(rec []byte) uint64 { return uint64(eventHeader) + (uint64(len(rec))+7)&^7 }

// tooLarge reports whether the buffer can never hold a record.
func (b *batch) tooLarge(rec []byte) bool { return space(rec) > uint64(b.size) }

// put writes one record after the others. It returns false when there is no space.
func (b *batch) put(view, rec []byte, kind uint32, now time.Time) bool {
	need := space(rec)
	if !b.fits(need) {
		return false
	}
	if len(b.records) == 0 {
		b.oldest = now
	}
	dst := view[b.used : uint64(b.used)+need]
	h := abi.EventHeader{Len: uint32(len(rec)), Kind: kind, Seq: b.seq}
	h.Put(dst)
	n := copy(dst[eventHeader:], rec)
	clear(dst[eventHeader+n:])
	b.used += uint32(need)
	b.records = append(b.records, recordAt{b.used, kind == abi.EventData})
	if kind == abi.EventData {
		b.seq++
	}
	return true
}

// shift moves the records after the first n to the front of the guest's buffer.
func (b *batch) shift(view []byte, n int) {
	from := b.records[n-1].end
	copy(view, view[from:b.used])
	b.used -= from
	b.records = append(b.records[:0], b.records[n:]...)
	for i := range b.records {
		b.records[i].end -= from
	}
}

// drop empties the batch and returns how many records of programs it held.
func (b *batch) drop() uint64 {
	n := dataRecords(b.records)
	b.records, b.used = b.records[:0], 0
	return n
}

// dataRecords counts the records that programs sent.
func dataRecords(list []recordAt) uint64 {
	n := uint64(0)
	for _, r := range list {
		if r.data {
			n++
		}
	}
	return n
}
