package guest

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/policy"
)

// callError is why a call of a guest failed: what err_info tells it. Zero fields are unknown.
type callError struct {
	code   abi.Errno
	text   string
	sys    syscall.Errno
	handle uint32
	prop   abi.Prop
	insn   int   // index plus one
	cause  error // what a caller of the host may act on, like *policy.Error
}

func (e *callError) Error() string {
	if e.text == "" {
		return e.code.Error()
	}
	return e.text
}

// Unwrap makes errors.Is(err, abi.ErrPhase) work, and errors.As for the cause.
func (e *callError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.code}
	}
	return []error{e.code, e.cause}
}

// failf makes the error of a call from a code and what happened.
func failf(code abi.Errno, format string, args ...any) *callError {
	return &callError{code: code, text: fmt.Sprintf(format, args...)}
}

// asCallError is the one place where an error of the host becomes a code of the ABI.
func asCallError(err error) *callError {
	var own *callError
	if errors.As(err, &own) {
		if err == error(own) {
			return own
		}
		e := *own // the wrapping says more
		e.text = err.Error()
		return &e
	}
	e := &callError{code: errnoOf(err), text: err.Error(), cause: err}
	errors.As(err, &e.sys)
	var at *asm.Error
	if errors.As(err, &at) && at.Verb == "encode" {
		e.insn = at.Index + 1
	}
	return e
}

// errnoOf finds the code of an error that another package made.
func errnoOf(err error) abi.Errno {
	var (
		code     abi.Errno
		sys      syscall.Errno
		verifier *backend.VerifierError
		denied   *policy.Error
	)
	switch {
	case errors.As(err, &code):
		return code
	case errors.As(err, &denied):
		return abi.ErrPerm
	case errors.As(err, &verifier):
		return abi.ErrVerifier
	case errors.Is(err, backend.ErrNoKey):
		return abi.ErrNoent
	case errors.Is(err, backend.ErrNotSupported):
		return abi.ErrNosup
	case errors.As(err, &sys):
		return abi.ErrKernel
	}
	return abi.ErrInval
}

// lastError is the last failed call.
type lastError struct {
	fn  abi.FuncID
	err *callError
}

// maxErrText bounds the text that err_info returns, in bytes.
const maxErrText = 16 << 10

// record is the error as err_info returns it: the record and the text.
func (l lastError) record() []byte {
	r := abi.ErrInfo{Size: abi.ErrInfoSize, Insn: -1}
	text := ""
	if e := l.err; e != nil {
		text = e.Error()
		text = text[:min(len(text), maxErrText)]
		r.Code, r.Sys, r.Handle, r.Prop, r.Insn = uint32(e.code), uint32(e.sys), e.handle, uint32(e.prop), int32(e.insn)-1
		r.Func, r.TextLen = uint32(l.fn), uint32(len(text))
	}
	b := make([]byte, abi.ErrInfoSize, abi.ErrInfoSize+len(text))
	r.Put(b)
	return append(b, text...)
}
