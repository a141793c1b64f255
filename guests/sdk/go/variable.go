package sdk

// Read fills b with the variable's initial bytes from off on.
func (h Var) Read(off uint32, b []byte) error {
	return check(hostVarRead(uint32(h), off, data(b), uint32(len(b))))
}

// Write changes the variable's initial bytes from off on.
func (h Var) Write(off uint32, b []byte) error {
	return check(hostVarWrite(uint32(h), off, data(b), uint32(len(b))))
}

// SetUint writes a number over the whole of a variable of up to 8 bytes. For a big-endian object
// use Object.Set, which knows the byte order.
func (h Var) SetUint(v uint64) error {
	size, err := h.Size()
	if err != nil {
		return err
	}
	if size > 8 || size < 8 && v>>(8*size) != 0 {
		return &Error{Func: "var_write", Code: ErrRange, Handle: Handle(h), Insn: -1, Text: "number does not fit the variable"}
	}
	var b [8]byte
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	return h.Write(0, b[:size])
}
