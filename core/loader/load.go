package loader

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Options say how to load. The zero value is right for most.
type Options struct {
	Kernel    *Kernel           // what is known of the kernel; nil reads it for this load only
	Programs  []string          // optional programs ("?" sections) to be loaded as well
	Instances []string          // optional instances of struct_ops ("?" sections) to be made as well
	Maps      map[string]*Map   // maps to be used in place of those of the collection; they stay the caller's
	PinDir    string            // directory of a bpf file system for maps that are shared by name; empty refuses them
	Pins      map[string]string // by map: its path on a bpf file system, in place of PinDir and its name

	// Publication makes the pins of several loads. Without one, those of a load are published when
	// all of it is loaded.
	Publication *Publication

	CoreTypes *btf.Types // types that CO-RE relocations are computed for, see the package comment; nil is those of the kernel
	Digest    bool       // compute Program.Digest
	LogLevel  uint32     // verifier log of accepted programs, see Collection.Log: 1 or 2, plus 4 for statistics
}

// session is one load under way.
type session struct {
	spec     *spec.Collection
	options  Options
	kernel   *Kernel
	finder   *bind.Finder        // of names in the kernel
	opsTypes map[string]*opsType // what was found, by name of the struct

	btf       *sys.FD
	kernelBTF *kernelBTF
	refused   error // why there is no btf although the collection has types
	out       *Collection
	fds       map[string]int  // descriptors of maps by name, held until the load is over
	fresh     map[string]bool // maps that were created, not found
	shared    sharedMaps
	undo      []func() // what a failure takes back, last first
	always    []func() // what is done at the end in any case, last first
	found     lookup   // of spec
}

// lookup finds what a collection has by name.
type lookup struct {
	*spec.Index
	of         *spec.Collection
	configured map[string]bool // maps with values of the kernel's configuration
}

// in returns the lookup of a collection.
func (x *lookup) in(c *spec.Collection) *lookup {
	if x.of != c {
		*x = lookup{spec.NewIndex(c), c, c.Configured()}
	}
	return x
}

// Load loads a collection into the kernel, in the order of the package comment. On an error
// nothing stays open or pinned. The spec is not changed.
//
// Errors name the object; among those they wrap are *VerifierError, *FeatureError, ErrNotSupported
// and ErrPermission.
func Load(c *spec.Collection, o Options) (*Collection, error) {
	for try := 1; ; try++ {
		out, err := load(c, o)
		var taken *takenError
		if err == nil || o.Publication != nil || try == loadTries || !errors.As(err, &taken) {
			return out, err
		}
	}
}

// loadTries bounds how often a load begins anew because pins were made in the meantime that it takes
// then, by programs that do not wait as loads do.
const loadTries = 10

// load loads a collection once.
func load(c *spec.Collection, o Options) (*Collection, error) {
	l := &session{spec: c, options: o, kernel: o.Kernel, out: &Collection{}, opsTypes: make(map[string]*opsType), fds: make(map[string]int), fresh: make(map[string]bool)}
	if l.kernel == nil {
		l.kernel = NewKernel()
		l.always = append(l.always, func() { l.kernel.Close() })
	}
	l.shared = sharedMaps{options: &l.options, kernel: l.kernel, publication: o.Publication}
	if o.Publication == nil {
		l.shared.publication = NewPublication(context.Background())
		l.always = append(l.always, func() { l.shared.publication.Close() })
	}
	l.always = append(l.always, l.shared.close)
	l.finder = bind.NewFinder(l.kernel, l.note)
	err := l.run()
	if err != nil {
		runBackward(l.undo)
	}
	runBackward(l.always)
	if err != nil {
		return nil, err
	}
	return l.out, nil
}

// note keeps what is unusual but does not prevent the load.
func (l *session) note(n spec.Note) { l.out.notes = append(l.out.notes, n) }

func runBackward(fs []func()) {
	for _, f := range slices.Backward(fs) {
		f()
	}
}

func (l *session) run() error {
	chosen, err := l.choose()
	if err != nil {
		return err
	}
	ops, err := l.layOutAll(chosen.Maps)
	if err != nil {
		return err
	}
	programs := l.withoutIdle(chosen.Programs, ops)
	b, ready, err := l.prepareAll(programs)
	if err != nil {
		return err
	}
	if l.kernel.ChargesMemlock() {
		// Best effort: without the right to, the loads below say what is missing.
		_ = sys.RaiseMemlock()
	}
	l.always = append(l.always, func() { l.btf.Close() })
	if err := l.loadTypes(programs); err != nil {
		return err
	}
	if err := l.shared.find(chosen.Maps); err != nil {
		return err
	}
	pins, err := l.createMaps(b, chosen.Maps, ops)
	if err != nil {
		return err
	}
	for _, p := range ready {
		if err := l.loadProgram(p); err != nil {
			return fmt.Errorf("load program %q: %w", p.Spec.Name, err)
		}
	}
	if err := l.fillProgramArrays(); err != nil {
		return err
	}
	if err := l.fillOps(ops); err != nil {
		return err
	}
	return l.pin(pins)
}

// choose returns what is loaded, and checks of it what can be known without a kernel.
func (l *session) choose() (spec.Selection, error) {
	var none spec.Selection
	if err := l.checkNames(); err != nil {
		return none, err
	}
	instances := slices.AppendSeq(slices.Clone(l.options.Instances), maps.Keys(l.options.Maps))
	chosen := l.spec.Select(spec.Choice{Programs: l.options.Programs, Instances: instances})
	blocking, rest := chosen.Split(l.spec.CheckAll())
	if len(blocking) > 0 {
		return none, blocking[0]
	}
	for _, e := range rest {
		l.note(spec.Note{Code: "L07", Text: fmt.Sprintf("not loaded, and could not be: %v", e)})
	}
	return chosen, l.checkOrder()
}

// checkNames reports names in the options that the collection does not have.
func (l *session) checkNames() error {
	unknown := func(kind, name string, all []string) error {
		return fmt.Errorf("load collection: it has no %s %q%s", kind, name, nearest.Hint(name, all))
	}
	for _, name := range l.options.Programs {
		if l.spec.Program(name) == nil {
			return unknown("program", name, names(l.spec.Programs, func(p *spec.Program) string { return p.Name }))
		}
	}
	mapName := func(m *spec.Map) string { return m.Name }
	for _, name := range l.options.Instances {
		if m := l.spec.Map(name); m == nil || m.Type != spec.MapStructOps {
			ops := slices.DeleteFunc(slices.Clone(l.spec.Maps), func(m *spec.Map) bool { return m.Type != spec.MapStructOps })
			return unknown("instance of struct_ops", name, names(ops, mapName))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.options.Maps)) {
		if l.spec.Map(name) == nil {
			return unknown("map", name, names(l.spec.Maps, mapName))
		}
	}
	return nil
}

// checkOrder refuses what is not in the byte order of this machine.
func (l *session) checkOrder() error {
	if l.spec.Order != nativeOrder() {
		return fmt.Errorf("load collection: it is %v-endian, this machine is %v-endian: %w", l.spec.Order, nativeOrder(), ErrNotSupported)
	}
	if t := l.options.CoreTypes; t != nil && (t.Order() == binary.BigEndian) != (nativeOrder() == asm.BigEndian) {
		return fmt.Errorf("load collection: the types for CO-RE are %v, this machine is %v-endian: %w", t.Order(), nativeOrder(), ErrNotSupported)
	}
	return nil
}

// prepareAll binds the programs to this kernel and finds what they are attached to.
func (l *session) prepareAll(programs []*spec.Program) (*bind.Binder, []*prepared, error) {
	b, err := bind.New(l.spec, programs, l.finder, l.options.CoreTypes)
	if err != nil {
		return nil, nil, fmt.Errorf("resolve externs: %w", kernelError(err))
	}
	ready := make([]*prepared, 0, len(programs))
	for _, p := range programs {
		r, err := l.prepare(b, p)
		if err != nil {
			return nil, nil, fmt.Errorf("prepare program %q: %w", p.Name, err)
		}
		ready = append(ready, r)
	}
	return b, ready, nil
}

// createMaps makes maps, fills data sections and maps of maps. It returns those to be pinned.
func (l *session) createMaps(b *bind.Binder, list []*spec.Map, ops map[string]*instance) (pins []*Map, err error) {
	for _, s := range list {
		m, fresh, err := l.openMap(s, ops[s.Name])
		if err != nil {
			return nil, fmt.Errorf("create map %q: %w", s.Name, err)
		}
		if err := l.hold(s.Name, m); err != nil {
			return nil, err
		}
		if fresh {
			l.fresh[s.Name] = true
			if err := fillMap(m, s, b.Data(s.Name)); err != nil {
				return nil, fmt.Errorf("create map %q: %w", s.Name, err)
			}
			if s.Pinning == spec.PinByName {
				pins = append(pins, m)
			}
		}
	}
	for _, s := range list {
		if s.Inner == nil || !l.fresh[s.Name] {
			continue
		}
		for _, v := range s.Values {
			if err := l.out.Map(s.Name).setFD(native.AppendUint32(nil, v.Key), l.fds[v.Name]); err != nil {
				return nil, fmt.Errorf("put map %q into map %q: %w", v.Name, s.Name, err)
			}
		}
	}
	return pins, nil
}

// openMap creates a map, of an instance of struct_ops if there is one, or takes the caller's or a
// pinned one. fresh says that it is new.
func (l *session) openMap(s *spec.Map, ops *instance) (m *Map, fresh bool, err error) {
	if given := l.options.Maps[s.Name]; given != nil {
		if l.out.given == nil {
			l.out.given = make(map[string]*Map)
		}
		l.out.given[s.Name] = given
		return given, false, given.fits(s)
	}
	if s.Pinning == spec.PinByName {
		if m, err := l.openPinned(s); m != nil || err != nil {
			return m, false, err
		}
	}
	if ops != nil {
		m, err = l.createOps(s, ops)
	} else {
		m, err = l.createMap(s)
	}
	if err != nil {
		return nil, false, err
	}
	l.own(m)
	return m, true, nil
}

// own makes a map part of the result.
func (l *session) own(m *Map) {
	l.out.maps = append(l.out.maps, m)
	l.undo = append(l.undo, func() { m.Close() })
}

// hold keeps the descriptor of a map for the time of the load.
func (l *session) hold(name string, m *Map) error {
	raw, err := m.fd.Acquire()
	if err != nil {
		return fmt.Errorf("use map %q: %w", name, err)
	}
	l.fds[name] = raw
	l.always = append(l.always, m.fd.Release)
	return nil
}

// fits reports how a map that exists differs from its spec.
func (m *Map) fits(s *spec.Map) error {
	switch {
	case m.typ != s.Type:
		return fmt.Errorf("the map in its place is of type %v, not %v", m.typ, s.Type)
	case s.Type == spec.MapStructOps: // the kernel has sizes of its own
	case m.keySize != s.KeySize || m.valueSize != s.ValueSize:
		return fmt.Errorf("the map in its place has keys of %d and values of %d bytes, not %d and %d", m.keySize, m.valueSize, s.KeySize, s.ValueSize)
	}
	return nil
}

// loadProgram loads one program, and once more with a log if the kernel refuses it.
func (l *session) loadProgram(p *prepared) error {
	if err := l.link(p); err != nil {
		return err
	}
	tables, err := l.createTables(p)
	if err != nil {
		return err
	}
	defer closeTables(tables)
	fds, err := l.linkModules(p)
	if err != nil {
		return err
	}
	o := asm.EncodeOptions{Order: nativeOrder(), NoGotol: l.kernel.Before(spec.Version4Since)}
	code, err := asm.AppendEncode(nil, p.Code, o)
	if err != nil {
		return err
	}
	if p.slots, err = asm.Layout(p.Code, o); err != nil {
		return err
	}
	if err := p.fillTables(tables); err != nil {
		return err
	}
	a := sys.ProgLoad{
		Type: uint32(p.Spec.Type), InsnCount: uint32(len(code) / asm.SlotSize), Insns: sys.BytesPointer(code),
		License: sys.BytesPointer(append([]byte(l.spec.License), 0)), KernVersion: l.spec.KernelVersion,
		Flags: uint32(p.Spec.Flags), Name: kernelName(p.Spec.Name), ExpectedAttachType: p.attachType,
		AttachBTFID: uint32(p.attach.ID), FDArray: sys.BytesPointer(fds),
	}
	if a.AttachBTFObjFD, err = l.moduleFD(p.attach.Module); err != nil {
		return err
	}
	if l.btf != nil {
		raw, err := l.btf.Acquire()
		if err != nil {
			return err
		}
		defer l.btf.Release()
		a.BTFFD = uint32(raw)
		l.describe(&a, p)
	}
	fd, err := l.submit(&a, p)
	if err != nil {
		return err
	}
	out := &Program{
		name: p.Spec.Name, typ: p.Spec.Type, attachType: p.Spec.AttachType, attachTo: p.Spec.AttachTo,
		probe: p.Spec.Probe, section: p.Spec.Section, fd: fd,
	}
	if l.options.Digest {
		if out.digest, err = digestOf(p.Code, o); err != nil {
			out.Close()
			return err
		}
	}
	l.out.programs = append(l.out.programs, out)
	l.undo = append(l.undo, func() { out.Close() })
	return nil
}

// describe adds the records about functions and lines.
func (l *session) describe(a *sys.ProgLoad, p *prepared) {
	funcs, lines := l.kernelBTF.infos(p)
	if len(funcs) > 0 {
		a.FuncInfo, a.FuncInfoRecSize, a.FuncInfoCount = sys.BytesPointer(funcs), 8, uint32(len(funcs)/8)
	}
	if len(lines) > 0 {
		a.LineInfo, a.LineInfoRecSize, a.LineInfoCount = sys.BytesPointer(lines), 16, uint32(len(lines)/16)
	}
}

// submit loads the program into the kernel. The log is asked for only after a refusal, since
// writing it takes longer than verifying.
func (l *session) submit(a *sys.ProgLoad, p *prepared) (*sys.FD, error) {
	var answer error
	if l.options.LogLevel == 0 {
		fd, err := sys.LoadProg(a)
		if err == nil || kernel.Exhausted(err) {
			return fd, err
		}
		answer = err
	}
	fd, log, err := loadLogged(a, max(l.options.LogLevel, 1), mostLog, answer)
	if err != nil {
		return nil, l.refusal(p, log, err)
	}
	if l.options.LogLevel != 0 {
		if l.out.logs == nil {
			l.out.logs = make(map[string]string)
		}
		l.out.logs[p.Spec.Name] = log.text
	}
	return fd, nil
}

// fillProgramArrays puts programs into arrays of programs.
func (l *session) fillProgramArrays() error {
	for _, s := range l.spec.Maps {
		if s.Type != spec.MapProgArray || l.options.Maps[s.Name] != nil {
			continue
		}
		for _, v := range s.Values {
			p := l.out.program(v.Name)
			if p == nil {
				return fmt.Errorf("put program %q into map %q: it is optional and was not loaded", v.Name, s.Name)
			}
			if err := l.out.Map(s.Name).SetProgram(v.Key, p); err != nil {
				return fmt.Errorf("put program %q into map %q: %w", v.Name, s.Name, err)
			}
		}
	}
	return nil
}
