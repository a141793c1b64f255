package sandbox

// The readers of sections, in the order of WebAssembly 2.0, sections 5.5.3 to 5.5.16.

func (m *Module) scanCustom(r *reader, _ Limits) {
	if m.custom++; m.custom > maxCustom {
		r.fail("more than %d custom sections", maxCustom)
		return
	}
	if r.name() != "name" {
		r.skip(uint32(r.left()))
		return
	}
	if m.hasName {
		r.fail("name section is there twice")
	}
	m.hasName = true
	for last := -1; r.left() > 0; {
		id, size := r.u8(), r.u32()
		if int(id) <= last {
			r.fail("part %d of the name section is out of order", id)
		}
		last = int(id)
		part := r.sub("name section", size)
		switch id {
		case 0:
			part.name()
		case 1:
			m.scanNameMap(&part, false)
		case 2:
			m.scanNameMap(&part, true)
		default:
			part.skip(uint32(part.left()))
		}
		r.close(&part)
	}
}

// scanNameMap reads index-name pairs, or index-map pairs when it is nested.
func (m *Module) scanNameMap(r *reader, nested bool) {
	n := r.count("names", 2, maxNames)
	for range n {
		if m.names++; m.names > maxNames {
			r.fail("more than %d names", maxNames)
		}
		if r.err != nil {
			return
		}
		r.u32()
		if nested {
			m.scanNameMap(r, false)
		} else {
			r.skip(r.u32())
		}
	}
}

func (m *Module) scanTypes(r *reader, _ Limits) {
	n := r.count("types", 3, maxTypes)
	for range n {
		if form := r.u8(); form != 0x60 {
			r.fail("type 0x%02x is not a function type", form)
		}
		t := funcType{r.types("parameters", maxParams), r.types("results", maxResults)}
		if r.err != nil {
			return
		}
		m.types = append(m.types, t)
	}
}

// typeIndex reads the index of a function type.
func (m *Module) typeIndex(r *reader) uint32 {
	i := r.u32()
	if r.err == nil && uint64(i) >= uint64(len(m.types)) {
		r.fail("type %d of %d", i, len(m.types))
	}
	return i
}

func (m *Module) scanImports(r *reader, _ Limits) {
	n := r.count("imports", 4, maxImports)
	for range n {
		module, name, kind := r.name(), r.name(), r.u8()
		if r.err == nil && kind != kindFunc {
			r.err = reject("imports %s %s.%s; only functions may be imported", kindName(kind), printable(module), printable(name))
		}
		i := m.typeIndex(r)
		if r.err != nil {
			return
		}
		m.funcs = append(m.funcs, i)
		m.Imports = append(m.Imports, ModuleImport{module, name, m.types[i].params, m.types[i].results})
	}
}

func (m *Module) scanFunctions(r *reader, _ Limits) {
	m.Functions = r.count("functions", 1, maxFunctions)
	for range m.Functions {
		m.funcs = append(m.funcs, m.typeIndex(r))
		if r.err != nil {
			return
		}
	}
}

// limits reads the limits of a table or memory, without a shared or 64-bit one.
func (r *reader) limits() (low uint32) {
	flag := r.u8()
	if r.err == nil && flag > 1 {
		r.fail("limits of kind 0x%02x (shared or 64-bit) are not supported", flag)
	}
	low = r.u32()
	if flag == 1 {
		if high := r.u32(); r.err == nil && high < low {
			r.fail("maximum %d is below minimum %d", high, low)
		}
	}
	return low
}

func (m *Module) scanTables(r *reader, _ Limits) {
	m.tables = r.count("tables", 3, 1)
	for range m.tables {
		if t := r.u8(); r.err == nil && t != 0x70 {
			r.fail("table of type 0x%02x, want funcref", t)
		}
		if low := r.limits(); r.err == nil && low > maxTable {
			r.fail("table of %d entries, the limit is %d", low, maxTable)
		}
	}
}

func (m *Module) scanMemories(r *reader, l Limits) {
	m.memories = r.count("memories", 2, 1)
	for range m.memories {
		m.MemoryPages = r.limits()
		if r.err == nil && m.MemoryPages > l.MemoryPages {
			r.err = reject("needs %d pages of memory (%d KiB) to start, the limit is %d (%d KiB)",
				m.MemoryPages, uint64(m.MemoryPages)*64, l.MemoryPages, uint64(l.MemoryPages)*64)
		}
	}
}

func (m *Module) scanGlobals(r *reader, _ Limits) {
	n := r.count("globals", 4, maxGlobals)
	for range n {
		r.valueType()
		if mutable := r.u8(); mutable > 1 {
			r.fail("mutability 0x%02x", mutable)
		}
		r.expression()
		if r.err != nil {
			return
		}
	}
}

// expression passes over a constant expression.
func (r *reader) expression() {
	for r.err == nil {
		switch op := r.u8(); op {
		case 0x0b: // end
			return
		case 0x41: // i32.const
			r.skipSigned(5)
		case 0x42: // i64.const
			r.skipSigned(10)
		case 0x43: // f32.const
			r.skip(4)
		case 0x44: // f64.const
			r.skip(8)
		case 0x23, 0xd2: // global.get, ref.func
			r.u32()
		case 0xd0: // ref.null
			r.valueType()
		case 0xfd: // v128.const
			if sub := r.u32(); sub != 12 {
				r.fail("vector instruction %d in a constant expression", sub)
			}
			r.skip(16)
		default:
			r.fail("instruction 0x%02x in a constant expression", op)
		}
	}
}

func (m *Module) scanExports(r *reader, _ Limits) {
	n := r.count("exports", 3, maxExports)
	seen := map[string]bool{}
	for range n {
		x := ModuleExport{Name: r.name()}
		kind, i := r.u8(), r.u32()
		x.Kind = kindName(kind)
		switch {
		case r.err != nil:
			return
		case seen[x.Name]:
			r.fail("export %s is there twice", printable(x.Name))
		case kind == kindMemory && uint64(i) >= uint64(m.memories):
			r.fail("export %s: memory %d of %d", printable(x.Name), i, m.memories)
		case kind == kindFunc && uint64(i) >= uint64(len(m.funcs)):
			r.fail("export %s: function %d of %d", printable(x.Name), i, len(m.funcs))
		case kind == kindFunc:
			t := m.types[m.funcs[i]]
			x.Params, x.Results, x.Imported = t.params, t.results, uint64(i) < uint64(len(m.Imports))
		case kind > kindGlobal:
			r.fail("export %s is of unknown kind %d", printable(x.Name), kind)
		}
		if r.err != nil {
			return
		}
		seen[x.Name] = true
		m.Exports = append(m.Exports, x)
	}
}

func (m *Module) scanStart(r *reader, _ Limits) {
	i := r.u32()
	switch {
	case r.err != nil:
	case uint64(i) >= uint64(len(m.funcs)):
		r.fail("function %d of %d", i, len(m.funcs))
	case uint64(i) < uint64(len(m.Imports)):
		r.err = reject("start function is an import")
	}
	m.start = true
}

func (m *Module) scanElements(r *reader, _ Limits) {
	n := r.count("element segments", 3, maxElements)
	for range n {
		m.scanElement(r)
		if r.err != nil {
			return
		}
	}
}

// scanElement reads one segment. Its flags say: bit 0 passive or declarative, which without
// reference types has no use and panics the runtime (wazero v1.12.0), bit 1 explicit table, bit 2
// expressions instead of function indexes.
func (m *Module) scanElement(r *reader) {
	flags := r.u32()
	if r.err == nil && (flags > 7 || flags&1 != 0) {
		r.fail("element segment of kind %d is not supported", flags)
	}
	if flags&2 != 0 {
		r.u32() // table
	}
	r.expression()
	if flags&2 != 0 {
		r.u8() // kind or type of the entries
	}
	size := 1
	if flags&4 != 0 {
		size = 2
	}
	n := r.count("element entries", size, maxEntries)
	if m.entries += n; m.entries > maxEntries {
		r.fail("more than %d element entries", maxEntries)
	}
	for range n {
		if flags&4 != 0 {
			r.expression()
		} else {
			r.u32()
		}
		if r.err != nil {
			return
		}
	}
}

func (m *Module) scanDataCount(r *reader, _ Limits) {
	if n := r.u32(); r.err == nil && n > maxData {
		r.fail("%d data segments, the limit is %d", n, maxData)
	}
}

func (m *Module) scanCode(r *reader, _ Limits) {
	m.bodies = r.count("function bodies", 3, maxFunctions)
	for i := range m.bodies {
		size := r.u32()
		if r.err == nil && size > maxBody {
			r.fail("function %d has %d bytes, the limit is %d", i, size, maxBody)
		}
		m.CodeBytes += int(size)
		body := r.sub(r.section, size)
		m.scanLocals(&body)
		body.skip(uint32(body.left()))
		r.close(&body)
		if r.err != nil {
			return
		}
	}
}

// scanLocals reads the head of a function body. A few bytes can ask for 2^32 locals.
func (m *Module) scanLocals(r *reader) {
	var sum uint64
	n := r.count("groups of locals", 2, maxLocals)
	for range n {
		sum += uint64(r.u32())
		r.valueType()
		if r.err != nil {
			return
		}
		if sum > maxLocals {
			r.fail("a function has more than %d locals", maxLocals)
			return
		}
	}
	if m.locals += int(sum); m.locals > maxAllLocals {
		r.fail("the functions have more than %d locals together", maxAllLocals)
	}
}

func (m *Module) scanData(r *reader, _ Limits) {
	n := r.count("data segments", 2, maxData)
	for range n {
		flags := r.u32()
		if r.err == nil && flags > 2 {
			r.fail("data segment of kind %d", flags)
		}
		if flags == 2 {
			r.u32()
		}
		if flags != 1 {
			r.expression()
		}
		r.skip(r.u32())
		if r.err != nil {
			return
		}
	}
}

// kindName names a kind of import or export.
func kindName(kind uint8) string {
	switch kind {
	case kindFunc:
		return "function"
	case kindTable:
		return "table"
	case kindMemory:
		return "memory"
	case kindGlobal:
		return "global"
	}
	return "unknown"
}
