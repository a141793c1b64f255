package guest

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/events"
)

// baseCalls are the functions of the group base.
type baseCalls struct{ *state }

// pluginRef is what the handle of the plugin itself names.
type pluginRef struct{ s *state }

// Self returns the plugin's own handle.
func (x baseCalls) Self() int32 {
	h, err := x.handles.open(abi.KindPlugin, pluginRef{x.state})
	return x.reply(abi.FuncSelf, int(h), err)
}

// Log writes a line to the operator's log.
func (x baseCalls) Log(level abi.LogLevel, text []byte) int32 {
	if level > abi.LogError {
		return x.reply(abi.FuncLog, 0, failf(abi.ErrRange, "log level %d is not known", level))
	}
	return x.reply(abi.FuncLog, 0, x.out.log(level, string(text)))
}

// LogEnabled says whether lines of the level are shown.
func (x baseCalls) LogEnabled(level abi.LogLevel) int32 {
	if level <= abi.LogError && x.out.logEnabled(level) {
		return 1
	}
	return 0
}

// ErrInfo returns the last error: the record, and as much of the text as fits after it.
func (x baseCalls) ErrInfo(info []byte) int32 {
	if len(info) > 0 && len(info) < abi.ErrInfoSize {
		return -int32(abi.ErrInval) // not through reply: the last error stays what it is
	}
	record := x.last.record()
	if len(info) > 0 {
		copy(info, record)
	}
	return int32(len(record))
}

// Feature answers whether the host has something.
func (x baseCalls) Feature(id uint32) int32 {
	if abi.HasFeature(id) {
		return 1
	}
	return 0
}

// ABIInfo says what the host is.
func (x baseCalls) ABIInfo(info []byte) int32 {
	r := abi.ABIInfo{Size: abi.ABIInfoSize, Version: uint32(abi.Current), Phase: uint32(x.phase), HandleLimit: uint32(x.limits.Handles)}
	if b, err := hex.DecodeString(abi.Hash()); err == nil && len(b) >= 8 {
		r.Hash = binary.LittleEndian.Uint64(b)
	}
	var b [abi.ABIInfoSize]byte
	r.Put(b[:])
	n := abi.CopyRecord(info, b[:], abi.ABIInfoSize)
	if n < 0 {
		return x.reply(abi.FuncABIInfo, 0, failf(abi.ErrInval, "the buffer is smaller than the record"))
	}
	return n
}

// Clock reads a clock. The plan cannot depend on one: the phase is checked before.
func (x baseCalls) Clock(id uint32) (uint64, int32) {
	switch id {
	case abi.ClockMonotonic:
		ns, err := x.live.Backend.Now()
		return x.reply64(abi.FuncClock, ns, err)
	case abi.ClockRealtime:
		return x.reply64(abi.FuncClock, uint64(time.Now().UnixNano()), nil)
	}
	return x.reply64(abi.FuncClock, 0, failf(abi.ErrInval, "clock %d is not known", id))
}

// HandleClose closes a handle.
func (x baseCalls) HandleClose(h uint32) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncHandleClose, 0, err)
	}
	if s, ok := obj.(*events.Source); ok {
		s.Close()
	}
	return x.reply(abi.FuncHandleClose, 0, x.handles.close(h))
}

// HandleKind returns the kind of an open handle.
func (x baseCalls) HandleKind(h uint32) int32 {
	_, err := x.handles.any(h)
	return x.reply(abi.FuncHandleKind, int(handle(h).kind()), err)
}

// StopRun asks for the end of the run.
func (x baseCalls) StopRun(code uint32) int32 {
	if !x.stop.requested {
		x.stop = stopRequest{requested: true, code: code}
	}
	return 0
}
