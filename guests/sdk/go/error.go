package sdk

import (
	"strconv"
	"unsafe"
)

// noHost is what every call returns where there is no host.
const noHost = -int32(ErrNosup)

// Error says that a call to the host failed, and why.
type Error struct {
	Func   string // function of the host
	Code   Errno
	Sys    uint32 // Linux error number of the cause; 0 is none
	Handle Handle // what the call was about; 0 is nothing
	Prop   Prop   // property that the call was about; 0 is none
	Insn   int32  // place of the instruction to blame; -1 is none
	Text   string // for people
}

// Error says what failed: "insn_splice: RANGE: …".
func (e *Error) Error() string {
	s := e.Func
	if s != "" {
		s += ": "
	}
	s += e.Code.String()
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Insn >= 0 {
		s += " (instruction " + strconv.Itoa(int(e.Insn)) + ")"
	}
	return s
}

// Unwrap returns the code, so that errors.Is(err, sdk.ErrNoent) works.
func (e *Error) Unwrap() error { return e.Code }

// Error is the name of the code.
func (e Errno) Error() string { return e.String() }

// CodeOf returns the code of an error: that of an *Error or Errno somewhere in its chain, 0 of nil,
// and ErrInternal of any other.
func CodeOf(err error) Errno {
	if err == nil {
		return 0
	}
	for err != nil {
		if code, ok := err.(Errno); ok {
			return code
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			break
		}
		err = u.Unwrap()
	}
	return ErrInternal
}

// check turns the result of a call into an error with the host's details.
func check(rc int32) error {
	if rc >= 0 {
		return nil
	}
	return lastError(Errno(-rc))
}

// errBuf is where the host puts the details of an error: the record, then the text.
type errBuf struct {
	info ErrInfo
	text [992]byte
}

func lastError(code Errno) error {
	var b errBuf
	e := &Error{Code: code, Insn: -1}
	p := unsafe.Pointer(&b)
	n := hostErrInfo(p, uint32(unsafe.Sizeof(b)))
	if n < 0 || Errno(b.info.Code) != code { // no details of this one
		return e
	}
	e.Func = funcName(b.info.Func)
	e.Sys = b.info.Sys
	e.Handle = Handle(b.info.Handle)
	e.Prop = Prop(b.info.Prop)
	e.Insn = b.info.Insn
	whole := unsafe.Slice((*byte)(p), unsafe.Sizeof(b))
	start := min(uint64(b.info.Size), uint64(len(whole)))
	end := min(start+uint64(b.info.TextLen), uint64(len(whole)))
	e.Text = string(whole[start:end])
	return e
}
