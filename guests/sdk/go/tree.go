package sdk

// OpenObject opens an object that the operator named; the empty name is the first one.
func OpenObject(name string) (Object, error) { return handle[Object](hostObjectOpen(name)) }

// NewObject adds an empty object, for programs built from nothing.
func NewObject(name string) (Object, error) { return handle[Object](hostObjectNew(name)) }

// ObjectFromBytes adds an object read from an ELF file.
func ObjectFromBytes(name string, elf []byte) (Object, error) {
	return handle[Object](hostObjectFromBytes(name, data(elf), uint32(len(elf))))
}

// Objects returns the objects of the plan: those of the operator first.
func Objects() ([]Object, error) {
	me, err := Me()
	if err != nil {
		return nil, err
	}
	return children[Object](Handle(me), KindObject)
}

// children returns all children of one kind.
func children[T ~uint32](h Handle, k Kind) ([]T, error) {
	n := hostCount(uint32(h), uint32(k))
	if n < 0 {
		return nil, check(n)
	}
	out := make([]T, 0, n)
	for i := range uint32(n) {
		c, err := handle[T](hostAt(uint32(h), uint32(k), i))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Programs returns the programs in their order.
func (h Object) Programs() ([]Program, error) { return children[Program](Handle(h), KindProgram) }

// Maps returns the maps in their order.
func (h Object) Maps() ([]Map, error) { return children[Map](Handle(h), KindMap) }

// Vars returns the global variables in their order.
func (h Object) Vars() ([]Var, error) { return children[Var](Handle(h), KindVar) }

// Attachments returns the planned attachments in their order.
func (h Object) Attachments() ([]Attach, error) { return children[Attach](Handle(h), KindAttach) }

// Program finds a program by its name.
func (h Object) Program(name string) (Program, error) {
	return handle[Program](hostFind(uint32(h), uint32(KindProgram), name))
}

// Map finds a map by its name.
func (h Object) Map(name string) (Map, error) {
	return handle[Map](hostFind(uint32(h), uint32(KindMap), name))
}

// Var finds a global variable by its name.
func (h Object) Var(name string) (Var, error) {
	return handle[Var](hostFind(uint32(h), uint32(KindVar), name))
}

// AddProgram adds a program without instructions.
func (h Object) AddProgram(name string, typ ProgType) (Program, error) {
	p, err := handle[Program](hostAdd(uint32(h), uint32(KindProgram), name))
	if err != nil {
		return 0, err
	}
	return p, p.SetType(typ)
}

// MapInfo describes a map to add. Sizes are bytes.
type MapInfo struct {
	Type                           MapType
	KeySize, ValueSize, MaxEntries uint32
	Flags                          uint32
}

// AddMap adds a map.
func (h Object) AddMap(name string, info MapInfo) (Map, error) {
	m, err := handle[Map](hostAdd(uint32(h), uint32(KindMap), name))
	if err != nil {
		return 0, err
	}
	for _, p := range []struct {
		id Prop
		v  uint32
	}{
		{PropMapType, uint32(info.Type)}, {PropMapKeySize, info.KeySize}, {PropMapValueSize, info.ValueSize},
		{PropMapMaxEntries, info.MaxEntries}, {PropMapFlags, info.Flags},
	} {
		if err := setU(Handle(m), p.id, uint64(p.v)); err != nil {
			return 0, err
		}
	}
	return m, nil
}

// Set sets a number inside a global variable by its path, like "cfg.limits[2].rate".
func (h Object) Set(path string, v uint64) error {
	return check(hostVarSetPath(uint32(h), path, v))
}

// Clone copies the program under a new name, without its attachments.
func (h Program) Clone(name string) (Program, error) {
	return handle[Program](hostClone(uint32(h), name))
}

// Clone copies the map under a new name.
func (h Map) Clone(name string) (Map, error) { return handle[Map](hostClone(uint32(h), name)) }

// Remove removes the program and its attachments.
func (h Program) Remove() error { return check(hostRemove(uint32(h))) }

// Remove removes the map.
func (h Map) Remove() error { return check(hostRemove(uint32(h))) }

// Remove removes the attachment.
func (h Attach) Remove() error { return check(hostRemove(uint32(h))) }

// Attach plans to attach the program. Target may be empty where the program says it all, as for
// tracing.
func (h Program) Attach(kind AttachKind, target string) (Attach, error) {
	a, err := handle[Attach](hostAttachAdd(uint32(h), uint32(kind)))
	if err != nil || target == "" {
		return a, err
	}
	return a, a.SetTarget(target)
}

// Note adds a remark about h to the plan; h of 0 is the plan as a whole.
func Note(h Handle, s Severity, text string) error {
	return check(hostPlanNote(uint32(h), uint32(s), text))
}
