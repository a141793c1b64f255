package sdk

import "unsafe"

// SourceOptions says how an event source delivers. Zero values leave it to the host.
type SourceOptions struct {
	Buffer     int    // bytes of a batch; 0 is 64 KiB
	MaxRecords uint32 // records in a batch
	MaxMillis  uint32 // longest wait of a record
	LostMap    string // array of u64 in which the program counts records it could not reserve
	LostKey    uint32 // index in it
	SentMap    string // array of u64 in which the program counts records it meant to send
	SentKey    uint32 // index in it
}

// buffer is the memory of an open source. It stays referenced here, since the host writes to it.
type buffer struct {
	src   Source
	words []uint64 // 8-byte aligned
}

// buffers are those of the open sources of this instance.
var buffers []buffer

// OpenSource makes a loaded ring buffer map an event source: its records arrive in Plugin.Events.
func OpenSource(name string, o SourceOptions) (Source, error) {
	if o.Buffer <= 0 {
		o.Buffer = 64 << 10
	}
	words := make([]uint64, (o.Buffer+7)/8)
	opts := SourceOpts{
		BufPtr:     address(words),
		BufLen:     uint32(len(words) * 8),
		MaxRecords: o.MaxRecords,
		MaxMs:      o.MaxMillis,
		LostKey:    o.LostKey,
		SentKey:    o.SentKey,
	}
	opts.Size = uint32(unsafe.Sizeof(opts))
	var err error
	if opts.LostMap, err = symbol(o.LostMap); err != nil {
		return 0, err
	}
	if opts.SentMap, err = symbol(o.SentMap); err != nil {
		return 0, err
	}
	src, err := handle[Source](hostSourceOpen(name, unsafe.Pointer(&opts), opts.Size))
	if err != nil {
		return 0, err
	}
	buffers = append(buffers, buffer{src, words})
	return src, nil
}

// symbol returns Sym of a name, and 0 for an empty one.
func symbol(name string) (uint32, error) {
	if name == "" {
		return 0, nil
	}
	return Sym(name)
}

// address is where the words are in linear memory.
func address(words []uint64) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(words))))
}

// Close ends delivery and frees the buffer.
func (h Source) Close() error {
	if err := Handle(h).Close(); err != nil {
		return err
	}
	for i := range buffers {
		if buffers[i].src == h {
			buffers = append(buffers[:i], buffers[i+1:]...)
			break
		}
	}
	return nil
}

// Pause stops draining: the kernel drops records once the ring is full.
func (h Source) Pause() error { return check(hostSourceCtl(uint32(h), SourcePause)) }

// Resume goes on after Pause.
func (h Source) Resume() error { return check(hostSourceCtl(uint32(h), SourceResume)) }

// Stats returns the account of the source up to now.
func (h Source) Stats() (SourceStats, error) {
	var s SourceStats
	err := check(hostSourceStats(uint32(h), unsafe.Pointer(&s), uint32(unsafe.Sizeof(s))))
	return s, err
}

// batch finds the records that the host put into a source's buffer.
func batch(src Source, ptr, n, nrec uint32) (Batch, error) {
	for _, b := range buffers {
		if b.src != src {
			continue
		}
		bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.words))), len(b.words)*8)
		off := uint64(ptr - address(b.words))
		if off+uint64(n) > uint64(len(bytes)) {
			break
		}
		return Batch{Source: src, Len: int(nrec), data: bytes[off : off+uint64(n)]}, nil
	}
	return Batch{}, &Error{Func: "bpfhost_events", Code: ErrBadh, Handle: Handle(src), Insn: -1, Text: "no such buffer"}
}
