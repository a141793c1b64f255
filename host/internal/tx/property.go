package tx

import (
	"math"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
)

// The methods of this file change properties that take more than a store. They do not log: who
// calls them knows how the property is called.

// maxLicense is how many bytes of a license the kernel reads, without the NUL.
const maxLicense = 127

// SetLicense sets the license of the object.
func (o *Object) SetLicense(v string) error {
	if len(v) > maxLicense {
		return failf(abi.ErrRange, "the kernel reads at most %d bytes of a license; this one has %d", maxLicense, len(v))
	}
	o.Work.License = v
	return nil
}

// Rename renames the program, and what refers to it.
func (r ProgramRef) Rename(v string) error {
	if v == "" {
		return failf(abi.ErrInval, "a program needs a name")
	}
	if p := r.Object.Program(v); p != nil && p != r.Program {
		return failf(abi.ErrExist, "object %s has a program %q already", r.Object.Name, v)
	}
	return r.Object.index.RenameProgram(r.Program.Name, v)
}

// Rename renames the map, and what refers to it.
func (r MapRef) Rename(v string) error {
	if v == "" {
		return failf(abi.ErrInval, "a map needs a name")
	}
	if m := r.Object.Map(v); m != nil && m != r.Map {
		return failf(abi.ErrExist, "object %s has a map %q already", r.Object.Name, v)
	}
	if r.isDataSection() {
		return failf(abi.ErrState, "map %q stands for a data section, whose name is fixed", r.Map.Name)
	}
	return r.Object.index.RenameMap(r.Map.Name, v)
}

// isDataSection reports whether the map holds the variables of the object.
func (r MapRef) isDataSection() bool {
	return r.Map.Data != nil || len(r.Object.index.VarsOf(r.Map.Name)) > 0
}

// SetKeySize sets the size of a key in bytes.
func (r MapRef) SetKeySize(v uint64) error {
	if uint64(r.Map.KeySize) == v {
		return nil
	}
	r.Map.Key = 0 // its type says another size
	return Put32(&r.Map.KeySize, v)
}

// SetValueSize sets the size of a value in bytes. A data section grows or shrinks with it.
func (r MapRef) SetValueSize(v uint64) error {
	if uint64(r.Map.ValueSize) == v {
		return nil
	}
	if r.isDataSection() {
		if v > MaxMapData {
			return failf(abi.ErrRange, "a data section has at most %d bytes", MaxMapData)
		}
		if r.Map.Data != nil {
			if err := r.Object.take(r.Map, int(v)-len(r.Map.Data)); err != nil {
				return err
			}
		}
		return r.Object.Work.ResizeData(r.Map.Name, uint32(v))
	}
	if v > math.MaxUint32 {
		return failf(abi.ErrRange, "%d does not fit 32 bits", v)
	}
	r.Map.Value = 0
	return Put32(&r.Map.ValueSize, v)
}

// Data returns the initial bytes of a data section, which are not to be changed.
func (r MapRef) Data() ([]byte, error) {
	if !r.isDataSection() {
		return nil, failf(abi.ErrNoent, "map %q has no initial bytes; it is not a data section", r.Map.Name)
	}
	if r.Map.Data != nil {
		return r.Map.Data, nil
	}
	if r.Map.ValueSize > MaxMapData {
		return nil, budget.TooLarge(ofMap("zero bytes", r.Map), int(r.Map.ValueSize), MaxMapData, "")
	}
	return make([]byte, r.Map.ValueSize), nil
}

// SetData sets the initial bytes of a data section, which are zero after v.
func (r MapRef) SetData(v []byte) error {
	switch {
	case !r.isDataSection():
		return failf(abi.ErrNoent, "map %q has no initial bytes; it is not a data section", r.Map.Name)
	case uint64(len(v)) > uint64(r.Map.ValueSize):
		return failf(abi.ErrRange, "%d bytes do not fit the %d of map %q", len(v), r.Map.ValueSize, r.Map.Name)
	case r.Map.ValueSize > MaxMapData:
		return budget.TooLarge(ofMap("initial bytes", r.Map), int(r.Map.ValueSize), MaxMapData, "")
	}
	if err := r.Object.take(r.Map, int(r.Map.ValueSize)-len(r.Map.Data)); err != nil {
		return err
	}
	data := make([]byte, r.Map.ValueSize)
	copy(data, v)
	r.Map.Data = data
	return nil
}

// Put32 stores a number that has to fit 32 bits.
func Put32[N ~uint32](dst *N, v uint64) error {
	if v > math.MaxUint32 {
		return failf(abi.ErrRange, "%d does not fit 32 bits", v)
	}
	*dst = N(v)
	return nil
}
