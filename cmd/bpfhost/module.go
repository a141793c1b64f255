package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// module is the outside of a WebAssembly module: what it imports and exports.
type module struct {
	imports []string // "module.name", in order of the file
	exports []string
}

// The sections that are read, and the kinds of imports (WebAssembly core specification, 5.5).
const (
	sectionImport = 2
	sectionExport = 7

	kindFunc   = 0
	kindTable  = 1
	kindMemory = 2
	kindGlobal = 3
)

var errModule = errors.New("the module ends in the middle of something")

// readModule reads the import and the export section. The host has checked the module before; what
// it did not look at is checked here.
func readModule(b []byte) (module, error) {
	var m module
	r := wasmReader{b: b}
	r.take(8) // magic and version
	for len(r.b) > 0 && r.err == nil {
		id := r.take(1)
		body := wasmReader{b: r.take(r.number())}
		if r.err != nil {
			break
		}
		switch id[0] {
		case sectionImport:
			m.imports = body.importList()
		case sectionExport:
			m.exports = body.exportList()
		}
		if body.err != nil {
			return m, body.err
		}
	}
	return m, r.err
}

// wasmReader reads values from the front of b until something does not fit.
type wasmReader struct {
	b   []byte
	err error
}

// take returns the next n bytes, or an empty slice and an error when there are fewer.
func (r *wasmReader) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.b)) {
		r.err = errModule
	}
	if r.err != nil {
		return make([]byte, min(n, 8)) // zeroes for fixed sizes
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// number reads an unsigned LEB128 number.
func (r *wasmReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 && r.err == nil {
		r.err = errModule
	}
	r.take(uint64(max(n, 0)))
	return v
}

func (r *wasmReader) name() string {
	return string(bytes.ToValidUTF8(r.take(r.number()), []byte("\ufffd")))
}

func (r *wasmReader) importList() []string {
	var list []string
	for n := r.number(); n > 0 && r.err == nil; n-- {
		name := r.name() + "." + r.name()
		switch kind := r.take(1)[0]; kind {
		case kindFunc:
			r.number()
		case kindTable:
			r.take(1)
			r.limits()
		case kindMemory:
			r.limits()
		case kindGlobal:
			r.take(2)
		default:
			r.err = fmt.Errorf("import %s is of unknown kind %d", name, kind)
		}
		list = append(list, name)
	}
	return list
}

func (r *wasmReader) limits() {
	flags := r.take(1)[0]
	r.number()
	if flags&1 != 0 {
		r.number()
	}
}

func (r *wasmReader) exportList() []string {
	var list []string
	for n := r.number(); n > 0 && r.err == nil; n-- {
		list = append(list, r.name())
		r.take(1)
		r.number()
	}
	return list
}
