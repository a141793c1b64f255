package module

// The readers of sections, in the order of WebAssembly 2.0, sections 5.5.3 to 5.5.16.

func (m *Module) scanCustom(r *reader, l *Limits) {
	if m.custom++; m.custom > l.Custom {
		r.exceed("Custom", "more than %d custom sections", l.Custom)
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
		id := r.u8()
		at := r.pos
		size := r.u32()
		if int(id) <= last {
			r.fail("part %d of the name section is out of order", id)
		}
		last = int(id)
		part := r.sub("name section", size)
		m.mark(Size, at, uint32(part.end))
		switch id {
		case 0:
			part.name()
		case 1:
			m.scanNameMap(&part, l, funcNames)
		case 2, 3: // of locals, of labels
			m.scanNameMap(&part, l, localNames)
		default:
			part.skip(uint32(part.left()))
		}
		r.close(&part)
	}
}

// The kinds of name maps: from a function to its name, from a function to a map, from anything else
// to a name.
const (
	funcNames = iota
	localNames
	innerNames
)

// scanNameMap reads index-name pairs, or index-map pairs when it is nested.
func (m *Module) scanNameMap(r *reader, l *Limits, kind int) {
	n := r.count("names", 2, "Names", l.Names)
	for range n {
		if m.names++; m.names > l.Names {
			r.exceed("Names", "more than %d names", l.Names)
		}
		if r.err != nil {
			return
		}
		at := r.pos
		i := r.u32()
		if kind != innerNames {
			m.mark(Index, at, i)
		}
		if kind == localNames {
			m.scanNameMap(r, l, innerNames)
		} else {
			r.skip(r.u32())
		}
	}
}

func (m *Module) scanTypes(r *reader, l *Limits) {
	n := r.count("types", 3, "Types", l.Types)
	for range n {
		if form := r.u8(); form != 0x60 {
			r.fail("type 0x%02x is not a function type", form)
		}
		t := FuncType{r.types("parameters", "Params", l.Params), r.types("results", "Results", l.Results)}
		if r.err != nil {
			return
		}
		m.Types = append(m.Types, t)
	}
}

// typeIndex reads the index of a function type.
func (m *Module) typeIndex(r *reader) uint32 {
	i := r.u32()
	if r.err == nil && uint64(i) >= uint64(len(m.Types)) {
		r.fail("type %d of %d", i, len(m.Types))
	}
	return i
}

// importHint says what to change so that nothing but functions is imported.
func importHint(kind uint8) string {
	switch kind {
	case kindMemory:
		return " (a plugin has its own memory: build without --import-memory, -sIMPORTED_MEMORY and -pthread)"
	case kindTable:
		return " (build without --import-table and -fPIC)"
	case kindGlobal:
		return " (build without -fPIC)"
	}
	return ""
}

// funcIndex reads the index of a function and marks its place.
func (m *Module) funcIndex(r *reader) uint32 {
	at := r.pos
	i := r.u32()
	if r.err == nil && uint64(i) >= uint64(len(m.Funcs)) {
		r.fail("function %d of %d", i, len(m.Funcs))
	}
	m.mark(Index, at, i)
	return i
}

func (m *Module) scanImports(r *reader, l *Limits) {
	n := r.count("imports", 4, "Imports", l.Imports)
	for range n {
		module, name, kind := r.name(), r.name(), r.u8()
		if r.err == nil && kind != kindFunc {
			r.err = unsupported("imports %s %s.%s; only functions may be imported%s", kindName(kind), printable(module), printable(name), importHint(kind))
		}
		i := m.typeIndex(r)
		if r.err != nil {
			return
		}
		m.Funcs = append(m.Funcs, i)
		m.Imports = append(m.Imports, Import{module, name, m.Types[i].Params, m.Types[i].Results})
	}
}

func (m *Module) scanFunctions(r *reader, l *Limits) {
	m.Functions = r.count("functions", 1, "Functions", l.Functions)
	for range m.Functions {
		m.Funcs = append(m.Funcs, m.typeIndex(r))
		if r.err != nil {
			return
		}
	}
}

// limits reads the limits of a table or memory, without a shared or 64-bit one.
func (r *reader) limits() (low uint32) {
	flag := r.u8()
	switch {
	case r.err != nil || flag <= 1:
	case flag <= 3:
		r.err = unsupported("has a shared memory, of %s", threads)
	case flag <= 7:
		r.err = unsupported("has a memory or table with indexes of 64 bits, of %s", memory64)
	default:
		r.fail("limits of kind 0x%02x", flag)
	}
	low = r.u32()
	if flag == 1 {
		if high := r.u32(); r.err == nil && high < low {
			r.fail("maximum %d is below minimum %d", high, low)
		}
	}
	return low
}

func (m *Module) scanTables(r *reader, l *Limits) {
	m.tables = r.count("tables", 3, "", 1)
	for range m.tables {
		if t := r.u8(); r.err == nil && t != 0x70 {
			r.err = unsupported("has a table of type 0x%02x, of %s", t, references)
		}
		if low := r.limits(); r.err == nil && uint64(low) > uint64(l.TableEntries) {
			r.exceed("TableEntries", "table of %d entries, the limit is %d", low, l.TableEntries)
		}
	}
}

func (m *Module) scanMemories(r *reader, l *Limits) {
	m.Memories = r.count("memories", 2, "", 1)
	for range m.Memories {
		m.MemoryPages = r.limits()
		if r.err == nil && uint64(m.MemoryPages) > uint64(l.MemoryPages) {
			r.err = unsupported("needs %d pages of memory (%d KiB) to start, the limit is %d (%d KiB)",
				m.MemoryPages, uint64(m.MemoryPages)*64, l.MemoryPages, uint64(l.MemoryPages)*64)
			r.err.Limit = "MemoryPages"
		}
	}
}

func (m *Module) scanGlobals(r *reader, l *Limits) {
	m.Globals = r.count("globals", 4, "Globals", l.Globals)
	m.globals = make([]global, m.Globals)
	for i := range m.globals {
		r.valueType()
		mutable := r.u8()
		if mutable > 1 {
			r.fail("mutability 0x%02x", mutable)
		}
		m.globals[i].mutable = mutable == 1
		m.expression(r)
		if r.err != nil {
			return
		}
	}
}

// expression passes over a constant expression.
func (m *Module) expression(r *reader) {
	for r.err == nil {
		switch op := r.u8(); op {
		case 0x0b: // end
			return
		case 0x41: // i32.const
			r.signed(32)
		case 0x42: // i64.const
			r.signed(64)
		case 0x43: // f32.const
			r.skip(4)
		case 0x44: // f64.const
			r.skip(8)
		case 0x23: // global.get
			r.u32()
		case 0xd2: // ref.func
			m.funcIndex(r)
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

func (m *Module) scanExports(r *reader, l *Limits) {
	n := r.count("exports", 3, "Exports", l.Exports)
	seen := map[string]bool{}
	for range n {
		x := Export{Name: r.name()}
		kind := r.u8()
		at := r.pos
		i := r.u32()
		x.Kind, x.Index = kindName(kind), i
		switch {
		case r.err != nil:
			return
		case seen[x.Name]:
			r.fail("export %s is there twice", printable(x.Name))
		case kind == kindMemory && uint64(i) >= uint64(m.Memories):
			r.fail("export %s: memory %d of %d", printable(x.Name), i, m.Memories)
		case kind == kindTable && uint64(i) >= uint64(m.tables):
			r.fail("export %s: table %d of %d", printable(x.Name), i, m.tables)
		case kind == kindGlobal && uint64(i) >= uint64(m.Globals):
			r.fail("export %s: global %d of %d", printable(x.Name), i, m.Globals)
		case kind == kindFunc && uint64(i) >= uint64(len(m.Funcs)):
			r.fail("export %s: function %d of %d", printable(x.Name), i, len(m.Funcs))
		case kind == kindFunc:
			m.mark(Index, at, i)
			t := m.Types[m.Funcs[i]]
			x.Params, x.Results, x.Imported = t.Params, t.Results, uint64(i) < uint64(len(m.Imports))
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

func (m *Module) scanStart(r *reader, _ *Limits) {
	if i := m.funcIndex(r); r.err == nil && uint64(i) < uint64(len(m.Imports)) {
		r.err = unsupported("start function is an import")
	}
	m.Start = true
}

func (m *Module) scanElements(r *reader, l *Limits) {
	m.elements = r.count("element segments", 3, "Elements", l.Elements)
	for range m.elements {
		m.scanElement(r, l)
		if r.err != nil {
			return
		}
	}
}

// scanElement reads one segment. Its flags say: bit 0 passive or declarative, which without
// reference types has no use and panics the runtime (wazero v1.12.0), bit 1 explicit table, bit 2
// expressions instead of function indexes.
func (m *Module) scanElement(r *reader, l *Limits) {
	flags := r.u32()
	switch {
	case r.err != nil:
	case flags > 7:
		r.fail("element segment of kind %d", flags)
	case flags&1 != 0:
		r.err = unsupported("has an element segment that is passive or declares references, of %s", references)
	}
	if flags&2 != 0 {
		r.u32() // table
	}
	m.expression(r)
	if flags&2 != 0 {
		switch kind := r.u8(); { // of the entries
		case r.err != nil:
		case flags&4 == 0 && kind != 0:
			r.fail("element entries of kind %d", kind)
		case flags&4 != 0 && kind != 0x70:
			r.err = unsupported("has element entries of type 0x%02x, of %s", kind, typedReferences)
		}
	}
	size := 1
	if flags&4 != 0 {
		size = 2
	}
	n := r.count("element entries", size, "ElementEntries", l.ElementEntries)
	if m.entries += n; m.entries > l.ElementEntries {
		r.exceed("ElementEntries", "more than %d element entries", l.ElementEntries)
	}
	for range n {
		if flags&4 != 0 {
			m.expression(r)
		} else {
			m.funcIndex(r)
		}
		if r.err != nil {
			return
		}
	}
}

func (m *Module) scanDataCount(r *reader, l *Limits) {
	n := r.u32()
	if r.err == nil && uint64(n) > uint64(l.Data) {
		r.exceed("Data", "%d data segments, the limit is %d", n, l.Data)
	}
	m.data = int(n)
}

func (m *Module) scanCode(r *reader, l *Limits) {
	n := r.count("function bodies", 3, "Functions", l.Functions)
	if r.err == nil && n != m.Functions {
		r.fail("%d functions have %d bodies", m.Functions, n)
		return
	}
	m.Bodies = make([]Body, n)
	if need := len(m.Marks) + 2*n + r.left()/28; cap(m.Marks) < need {
		m.Marks = append(make([]Mark, 0, need), m.Marks...)
	}
	w := walker{m: m, l: l}
	for i := range m.Bodies {
		at := r.pos
		size := r.u32()
		if r.err == nil && uint64(size) > uint64(l.BodyBytes) {
			r.exceed("BodyBytes", "function %d has %d bytes, the limit is %d", i+len(m.Imports), size, l.BodyBytes)
		}
		m.CodeBytes += int(size)
		body := r.sub(r.section, size)
		m.mark(Size, at, uint32(body.end))
		m.Bodies[i] = Body{Locals: body.pos, End: body.end}
		locals := m.scanLocals(&body, l)
		if body.err == nil {
			w.function(&body, i, locals)
		}
		r.close(&body)
		if r.err != nil {
			return
		}
	}
}

// scanLocals reads the head of a function body and returns how many locals it has. A few bytes can
// ask for 2^32.
func (m *Module) scanLocals(r *reader, l *Limits) uint32 {
	var sum uint64
	n := r.count("groups of locals", 2, "Locals", l.Locals)
	for range n {
		sum += uint64(r.u32())
		r.valueType()
		if r.err != nil {
			return 0
		}
		if sum > uint64(l.Locals) {
			r.exceed("Locals", "a function has more than %d locals", l.Locals)
			return 0
		}
	}
	if m.locals += int(sum); m.locals > l.ModuleLocals {
		r.exceed("ModuleLocals", "the functions have more than %d locals together", l.ModuleLocals)
	}
	return uint32(sum)
}

func (m *Module) scanData(r *reader, l *Limits) {
	m.segments = r.count("data segments", 2, "Data", l.Data)
	for range m.segments {
		flags := r.u32()
		if r.err == nil && flags > 2 {
			r.fail("data segment of kind %d", flags)
		}
		if flags == 2 {
			r.u32()
		}
		if flags != 1 {
			m.expression(r)
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
