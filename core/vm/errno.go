package vm

// Error numbers that helpers return, negative (include/uapi/asm-generic/errno-base.h).
const (
	eNOENT       = 2
	eBIG         = 7
	eAGAIN       = 11
	eNOMEM       = 12
	eACCES       = 13
	eFAULT       = 14
	eBUSY        = 16
	eEXIST       = 17
	eINVAL       = 22
	eNOSPC       = 28
	eRANGE       = 34
	eDEADLK      = 35
	eOVERFLOW    = 75
	eOPNOTSUPP   = 95
	eAFNOSUPPORT = 97
	eNOTSUPP     = 524 // of the kernel itself (include/linux/errno.h)
	errnoNone    = 0
)

// errnoTexts says what the errors of maps mean.
var errnoTexts = map[int]string{
	eNOENT: "there is no such entry", eBIG: "the map is full, or has no such index", eEXIST: "the entry exists already",
	eINVAL: "the map's type does not allow that", eNOSPC: "the map is full", eNOMEM: "memory is used up",
}

// errno returns R0 of a helper that failed.
func errno(n int) uint64 { return uint64(-int64(n)) }

// Conditions of maps.
var (
	ErrNoEntry error = mapError(eNOENT) // there is no entry with the key
	ErrExists  error = mapError(eEXIST) // there is one, and NoExist asked for none
)

// mapError is the failure of an operation on a map as a value.
type mapError int

// Error says what the error number means for a map.
func (e mapError) Error() string { return errnoTexts[int(e)] }

// asError returns the error of an operation, nil for 0.
func asError(n int) error {
	if n == errnoNone {
		return nil
	}
	return mapError(n)
}
