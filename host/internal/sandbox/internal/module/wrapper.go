package module

// RunsConstructors reports whether every exported function first calls one and the same function that
// takes and returns nothing, the constructors of global objects, and then what is exported.
// LLVM's linker makes such functions (NAME.command_export) where nothing in the module calls the
// constructors, so that global objects are made anew with each call.
func (m *Module) RunsConstructors(wasm []byte) bool {
	constructors, wrapped := uint32(0), 0
	for i := range m.Exports {
		x := &m.Exports[i]
		if x.Kind != "function" {
			continue
		}
		first, ok := m.wrapper(wasm, x)
		if !ok || wrapped > 0 && first != constructors {
			return false
		}
		constructors = first
		wrapped++
	}
	return wrapped > 0 && m.isAction(constructors) && m.doesSomething(constructors)
}

// wrapper reports whether an exported function only passes its parameters to a second function that it
// calls, and returns the first one. A third one may be that of destructors.
func (m *Module) wrapper(wasm []byte, x *Export) (first uint32, ok bool) {
	if x.Imported {
		return 0, false
	}
	b := &m.Bodies[int(x.Index)-len(m.Imports)]
	code := wasm[b.Code:b.End]
	next := func(op byte) (arg uint32, ok bool) {
		if code[0] != op {
			return 0, false
		}
		arg, width := Uint32(code[1:])
		code = code[1+width:]
		return arg, true
	}
	first, ok = next(opCall)
	for i := 0; ok && i < len(x.Params); i++ {
		var local uint32
		local, ok = next(opLocalGet)
		ok = ok && local == uint32(i)
	}
	if ok {
		_, ok = next(opCall)
	}
	if last, third := next(opCall); third {
		ok = ok && m.isAction(last)
	}
	return first, ok && m.isAction(first) && len(code) == 1 && code[0] == opEnd && int(b.NumLocal) == len(x.Params)
}

// isAction reports whether a function takes and returns nothing.
func (m *Module) isAction(fn uint32) bool {
	t := m.Types[m.Funcs[fn]]
	return len(t.Params) == 0 && len(t.Results) == 0
}

// doesSomething reports whether a function has code, and more than nothing.
func (m *Module) doesSomething(fn uint32) bool {
	i := int(fn) - len(m.Imports)
	return i >= 0 && m.Bodies[i].End-m.Bodies[i].Code > 1
}
