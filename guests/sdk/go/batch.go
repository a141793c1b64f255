package sdk

// Batch is what a source delivers at once. Its records are read where they lie; they are valid
// until the hook returns.
type Batch struct {
	Source Source
	Len    int // records
	data   []byte
}

// Event is one record of a batch.
type Event struct {
	Kind uint32 // EventData or EventLost
	Seq  uint64 // number in its source, from 0
	Data []byte // payload; a slice of the batch
}

// headerSize is the size of an EventHeader.
const headerSize = 16

// All yields the records in order: for e := range b.All.
func (b Batch) All(yield func(Event) bool) {
	d := b.data
	for range b.Len {
		if len(d) < headerSize {
			return
		}
		n := uint64(u32(d))
		next := headerSize + (n+7)&^7
		if headerSize+n > uint64(len(d)) {
			return
		}
		e := Event{Kind: u32(d[4:]), Seq: u64(d[8:]), Data: d[headerSize : headerSize+n : headerSize+n]}
		if !yield(e) {
			return
		}
		d = d[min(next, uint64(len(d))):]
	}
}

// Lost returns how many records an event of kind EventLost reports, and 0 for any other.
func (e Event) Lost() uint64 {
	if e.Kind != EventLost || len(e.Data) < 8 {
		return 0
	}
	return u64(e.Data)
}

func u32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func u64(b []byte) uint64 {
	_ = b[7]
	return uint64(u32(b)) | uint64(u32(b[4:]))<<32
}
