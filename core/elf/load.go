package elf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/internal/pack"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Options say how to read an object file. The zero value reads as libbpf does.
type Options struct {
	// Lenient reads what libbpf refuses, and notes it. Names of program sections that the exact
	// rule knows not are matched by how they begin. Functions, variables and maps that the object
	// does not define are kept as references by name, which Collection.Check refuses until they
	// exist.
	Lenient bool

	// Sections are names of program sections that are known in addition. They come before the
	// table of docs/sections.md; the first match counts.
	Sections []SectionRule

	// Fallbacks are such names that come after the table, so that they cannot change what it says.
	Fallbacks []SectionRule

	MaxFile  uint64 // largest file in bytes; 0 is 256 MiB
	MaxData  uint64 // most bytes of all data sections together, zeroes included; 0 is 64 MiB
	MaxInsns int    // most instructions of all programs together, called functions included; 0 is 1,048,576

	// Check is called again and again while an object is read, after parts of its sections, functions and
	// relocations. An error that it returns ends the reading and is wrapped. Nil is never called.
	Check func() error
}

// Load reads an object file: its programs, maps, variables and what they need. It is a pure
// function of the bytes and the options. The error wraps [ErrNotObject] when the input is something
// else, a [*LimitError] when it is larger than the options allow, and is a format error with section
// and offset when it is malformed.
func Load(r io.ReaderAt, o Options) (*spec.Collection, error) {
	o = o.withDefaults()
	b, err := object.ReadAll(r, o.MaxFile)
	if errors.Is(err, object.ErrTooLarge) {
		err = limitError("MaxFile", o.MaxFile, "%v", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return load(b, o)
}

// LoadBytes is [Load] for a file in memory. It keeps nothing of b.
func LoadBytes(b []byte, o Options) (*spec.Collection, error) { return load(b, o.withDefaults()) }

func (o Options) withDefaults() Options {
	if o.MaxFile == 0 {
		o.MaxFile = 256 << 20
	}
	if o.MaxData == 0 {
		o.MaxData = 64 << 20
	}
	if o.MaxInsns == 0 {
		o.MaxInsns = 1 << 20
	}
	return o
}

// check returns what Check does.
func (o *Options) check() error {
	if o.Check == nil {
		return nil
	}
	return o.Check()
}

func load(b []byte, o Options) (*spec.Collection, error) {
	if uint64(len(b)) > o.MaxFile {
		return nil, fmt.Errorf("read object: %w",
			limitError("MaxFile", o.MaxFile, "file of %d bytes is larger than the limit of %d", len(b), o.MaxFile))
	}
	f, err := object.Open(b)
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	l := &loader{f: f, o: o, c: &spec.Collection{Order: orderOf(f)}}
	if err := l.run(); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return l.c, nil
}

// orderOf returns the byte order of the file's instructions.
func orderOf(f *object.File) asm.ByteOrder {
	if f.Order == binary.BigEndian {
		return asm.BigEndian
	}
	return asm.LittleEndian
}

// loader is one reading of a file.
type loader struct {
	f *object.File
	o Options
	c *spec.Collection

	sections      sectionIndex
	relocs        []*object.Section // by section: the relocation section that patches it
	addendInPlace bool              // instructions hold the values of symbols too
	symbols       symbolIndex
	typeTable
	mapTable
	funcTable
	codeTable

	missing map[string]bool // names that were noted as undefined
	legacy  legacyDefs

	total int // instructions of all programs so far

	list        []uint32    // room for some symbols of a section
	flat        []*function // room for those of a program
	functions   slab[function]
	newPrograms slab[spec.Program]
	newPieces   slab[pack.Piece]
	newFuncs    slab[btf.FuncInfo]
	newMaps     slab[spec.Map]
	newVars     slab[spec.Var]
}

// location is a place in a section.
type location struct {
	section uint32
	offset  uint64
}

// run has the passes in order: what each returns is what those after it need.
func (l *loader) run() error {
	if err := l.o.check(); err != nil {
		return err
	}
	if err := l.index(); err != nil {
		return err
	}
	if err := l.o.check(); err != nil {
		return err
	}
	arrays, err := l.readMaps() // .maps
	if err != nil {
		return err
	}
	if l.legacy, err = (legacyReader{l}).read(); err != nil { // maps without BTF
		return err
	}
	data, err := l.readData() // .data, .rodata, .bss and their variables
	if err != nil {
		return err
	}
	if data, err = l.readArena(data); err != nil { // variables in an arena
		return err
	}
	instances, err := opsReader{l}.read() // .struct_ops
	if err != nil {
		return err
	}
	externs, err := externReader{l}.read() // .kconfig, .ksyms
	if err != nil {
		return err
	}
	if err := l.addVars(data, externs); err != nil {
		return err
	}
	if l.funcTable, err = l.readFuncs(); err != nil { // functions: offset and size
		return err
	}
	if l.codeTable, err = l.linkFuncs(data, externs); err != nil { // instructions and what they refer to
		return err
	}
	sections, err := l.findEntries() // functions that are programs
	if err != nil {
		return err
	}
	if err := l.readValues(arrays); err != nil { // initial values of maps
		return err
	}
	members, err := opsReader{l}.members(instances, sections) // members of struct_ops that are programs
	if err != nil {
		return err
	}
	if err := l.makePrograms(sections, members); err != nil { // entry functions with what they call
		return err
	}
	l.dropUnused(data) // data sections that nothing uses
	l.listHidden()     // functions that the verifier shall treat as static
	return nil
}

// addVars adds variables and externs to the collection.
func (l *loader) addVars(data dataTable, externs externTable) error {
	if externs.kconfig != nil {
		l.mapNames[externs.kconfig.Name] = true
		l.c.Maps = append(l.c.Maps, externs.kconfig)
	}
	l.c.Externs = externs.list
	l.c.Vars = append(data.vars, externs.vars...)
	return l.nameVars(l.c.Vars)
}

// index finds out what is where in the file: relocations, symbols, sections and types.
func (l *loader) index() (err error) {
	if l.f.Machine == 0 {
		l.note(NoteMachine, "%s", NoteTexts[NoteMachine])
	}
	if l.relocs, l.addendInPlace, err = l.readRelocs(); err != nil {
		return err
	}
	l.symbols = indexSymbols(l.f)
	l.list = make([]uint32, 0, l.symbols.most())
	if l.sections, err = classify(l.f); err != nil {
		return err
	}
	for _, name := range l.sections.unused {
		l.note(NoteUnused, "section %s was not understood and is left out", name)
	}
	if l.c.License, l.c.KernelVersion, err = readLicense(l.f, &l.sections); err != nil {
		return err
	}
	if l.typeTable, err = readTypes(l.f, &l.sections, l.o.check); err != nil {
		return err
	}
	if l.c.BTF = l.types; l.types == nil {
		l.note(NoteNoBTF, "%s", NoteTexts[NoteNoBTF])
	}
	l.noteUntyped()
	l.mapTable = l.newMapTable()
	return nil
}

// noteUntyped notes, once, types that have parts which kernels refuse.
func (l *loader) noteUntyped() {
	if l.types == nil {
		return
	}
	for id := range l.types.Untyped() {
		l.note(NoteUntyped, "%s has parts of type void, which are left out for the kernel", l.types.TypeName(id))
		return
	}
}
