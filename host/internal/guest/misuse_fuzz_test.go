package guest

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// script reads the calls of a guest from bytes, whatever they are.
type script struct{ rest []byte }

func (s *script) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *script) take(n int) []byte {
	b := s.rest[:min(n, len(s.rest))]
	s.rest = s.rest[len(b):]
	return b
}

// What comes before an argument in a script, and says what it is. Whatever else is there means one that is
// in order.
const (
	argRaw    = iota + 1 // 8 bytes
	argSmall             // one byte
	argHandle            // of that kind
	argResult            // that of the last call
	argPlace             // in memory, in steps of 16
	argEdge              // a number at an edge
)

// edges are numbers at which something ends.
var edges = []uint64{0, 1, 7, 8, 255, 4095, 4096, memorySize - 8, memorySize - 1, memorySize, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 63, ^uint64(0)}

// argument reads one; good is what is in order.
func (b *bench) argument(s *script, good uint64, last int32) uint64 {
	switch s.byte() {
	case argRaw:
		var raw [8]byte
		copy(raw[:], s.take(8))
		return binary.LittleEndian.Uint64(raw[:])
	case argSmall:
		return uint64(s.byte())
	case argHandle:
		return uint64(b.handles[abi.Kind(s.byte()%11+1).String()])
	case argResult:
		return uint64(uint32(last))
	case argPlace:
		return goodPtr + 16*uint64(s.byte())
	case argEdge:
		return edges[int(s.byte())%len(edges)]
	}
	return good
}

// writeMemory is in place of the number of a function: an offset in two bytes and a length in one, and
// what the guest writes there.
const writeMemory = 255

// play makes the calls of a script.
func (b *bench) play(s *script) {
	last := int32(0)
	for n := 0; n < 64 && len(s.rest) > 0; n++ {
		which := s.byte()
		if which == writeMemory {
			at := goodPtr + uint32(s.byte())<<4 + uint32(s.byte())
			if view, ok := b.g.View(at, 255); ok {
				copy(view, s.take(int(s.byte())))
			}
			continue
		}
		f := abi.Funcs()[int(which)%len(abi.Funcs())]
		good := b.good(f)
		b.x.phase = f.Phases & -f.Phases
		if p := s.byte(); p != 0 {
			b.x.phase = abi.PhaseInit << (p % 7)
		}
		args := make([]uint64, len(good))
		for i := range args {
			args[i] = b.argument(s, good[i], last)
		}
		rc, err := b.g.Call(context.Background(), "call_"+f.Name, 20*time.Second, args...)
		var limit *budget.LimitError
		if errors.As(err, &limit) && limit.What != "wall time" {
			return
		}
		if err != nil {
			b.t.Fatalf("%s(%#x): %v", f.Name, args, err)
		}
		if rc < 0 && abi.Errno(-rc) > abi.ErrInternal {
			b.t.Fatalf("%s(%#x) = %d, which is not a code", f.Name, args, rc)
		}
		last = rc
	}
}

// FuzzCalls has a guest make any calls in any order, with any arguments and anything in its memory: the
// host neither panics nor hangs, answers with codes and results, and holds no more than it may.
func FuzzCalls(f *testing.F) {
	engine, err := sandbox.NewEngine(sandbox.EngineOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { engine.Close() })
	for i, fn := range abi.Funcs() {
		f.Add(append([]byte{byte(i), 0}, make([]byte, 8)...))
		call := []byte{byte(i), 0}
		for range fn.Params {
			call = append(call, argPlace, 1, argSmall, 16)
		}
		f.Add(append([]byte{writeMemory, 1, 0, 16, 'r', '0', ' ', '=', ' ', '0', '\n', 'e', 'x', 'i', 't', '\n', 0, 0, 0, 0}, call...))
	}
	const most = 16 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		account := budget.NewAccount(most, "memory of the host", "", nil)
		b := newBenchIn(t, engine, account)
		b.play(&script{data})
		if n := account.Used(); n > most {
			t.Errorf("%d bytes are counted", n)
		}
		b.x.handles.closeAll()
	})
}
