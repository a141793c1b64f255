package sandbox

import (
	"strings"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
)

// Facts are what is known of a module before it is compiled.
type Facts struct {
	Imports []string // what it imports, "module.name", in its order
	Exports []string // which of Options.Exports it has
}

// Examine checks a module as Load does before it compiles it. The error is *Reject.
func Examine(wasm []byte, o Options) (Facts, error) {
	o.Limits = o.Limits.WithDefaults()
	scan, err := scanned(wasm, &o)
	if err != nil {
		return Facts{}, err
	}
	f := Facts{Imports: importNames(scan)}
	for i := range o.Exports {
		if name := o.Exports[i].Name; export(scan, name) != nil {
			f.Exports = append(f.Exports, name)
		}
	}
	return f, nil
}

// importNames lists what a module imports.
func importNames(scan *module.Module) []string {
	var names []string
	for i := range scan.Imports {
		names = append(names, scan.Imports[i].Module+"."+scan.Imports[i].Name)
	}
	return names
}

// scanned scans a module and checks it. The error is *Reject.
func scanned(wasm []byte, o *Options) (*module.Module, error) {
	scan, err := module.Scan(wasm, o.Limits.Module)
	if err != nil {
		return nil, &Reject{Reason: err.Error(), Err: err}
	}
	if err := checkAll(wasm, scan, o); err != nil {
		return nil, err
	}
	return scan, nil
}

// checkAll is check and checkConstructors.
func checkAll(wasm []byte, m *module.Module, o *Options) error {
	if err := check(m, o); err != nil {
		return err
	}
	return checkConstructors(wasm, m)
}

// check holds a scanned module against what it may import and must export. The error is *Reject.
func check(m *module.Module, o *Options) error {
	if err := checkMemory(m); err != nil {
		return err
	}
	if export(m, "_start") != nil {
		return reject("this is a command (it exports _start); build a plugin as a reactor: " +
			"Go with -buildmode=c-shared, clang with -mexec-model=reactor or -Wl,--no-entry")
	}
	hooks := append([]Export{{Name: initialize}}, o.Exports...)
	for i := range hooks {
		if err := checkExport(m, &hooks[i]); err != nil {
			return err
		}
	}
	for i := range m.Imports {
		if err := checkImport(&m.Imports[i], o); err != nil {
			return err
		}
	}
	return nil
}

// checkConstructors refuses a module whose calls each run its constructors again. The error is *Reject.
func checkConstructors(wasm []byte, m *module.Module) error {
	if export(m, initialize) == nil && m.RunsConstructors(wasm) {
		return reject("every call would first run the constructors of global objects again (the linker's .command_export), and what " +
			"they hold would be lost; include bpfhost.h of this version, or export an _initialize that calls __wasm_call_ctors")
	}
	return nil
}

// export finds an export by name.
func export(m *module.Module, name string) *module.Export {
	for i := range m.Exports {
		if m.Exports[i].Name == name {
			return &m.Exports[i]
		}
	}
	return nil
}

// checkMemory wants one memory of the module's own under the usual name. (An imported one was
// refused by the scan.)
func checkMemory(m *module.Module) error {
	x := export(m, "memory")
	switch {
	case m.Memories == 0:
		return reject("defines no memory")
	case x == nil || x.Kind != "memory":
		return reject(`does not export its memory as "memory"`)
	}
	return nil
}

// checkExport checks one hook. A re-exported import would run a host function with the host's own
// module as its caller.
func checkExport(m *module.Module, want *Export) error {
	x := export(m, want.Name)
	switch {
	case x == nil && want.Required:
		return reject("does not export %s, so it is not a plugin", want.Name)
	case x == nil:
		return nil
	case x.Kind != "function":
		return reject("exports %s as a %s, want a function", want.Name, x.Kind)
	case x.Imported:
		return reject("exports %s, which is one of its imports", want.Name)
	}
	if got, want := signature(x.Params, x.Results), signature(want.Params, want.Results); got != want {
		return reject("exports %s with type %s, want %s", x.Name, got, want)
	}
	return nil
}

// checkImport checks one import against the lists.
func checkImport(im *module.Import, o *Options) error {
	want := ""
	switch im.Module {
	case o.HostModule:
		found := lookup(o.Imports, im.Name)
		if found == nil {
			return unknownImport(im, o)
		}
		want = signature(found.Params, found.Results)
	case wasiModule:
		params, results, ok := wasiType(im.Name)
		if !ok {
			return reject("imports %s.%s, which WASI preview 1 does not have", im.Module, printable(im.Name))
		}
		want = signature(params, results)
	default:
		return reject("imports %s.%s; only %s and %s are offered%s", printable(im.Module), printable(im.Name),
			o.HostModule, wasiModule, strangerHint(im))
	}
	if got := signature(im.Params, im.Results); got != want {
		return reject("imports %s.%s with type %s, want %s", im.Module, im.Name, got, want)
	}
	return nil
}

// strangerHint says how a module comes to import from elsewhere, and what to change.
func strangerHint(im *module.Import) string {
	switch {
	case im.Module == "env" && im.Name == "abort":
		return " (AssemblyScript: build with --use abort=)"
	case im.Module == "env" && (im.Name == "seed" || im.Name == "trace" || strings.Contains(im.Name, ".")):
		return " (AssemblyScript: do without what asks its JavaScript host: seed, trace, Date, console)"
	case im.Module == "env":
		return " (a function that no object defines: link without --allow-undefined to see which needs it)"
	case im.Module == "gojs" || im.Module == "go":
		return " (Go for JavaScript: build with GOOS=wasip1)"
	case strings.HasPrefix(im.Module, "wasi:"):
		return " (WASI preview 2: build for wasip1)"
	case im.Module == "wasi_unstable":
		return " (WASI preview 0: build with a newer toolchain)"
	case strings.HasPrefix(im.Module, "__wbindgen") || im.Module == "wbg":
		return " (wasm-bindgen, for JavaScript: build for wasm32-wasip1 or wasm32-unknown-unknown without it)"
	}
	return ""
}

// lookup finds an import by name.
func lookup(imports []Import, name string) *Import {
	for i := range imports {
		if imports[i].Name == name {
			return &imports[i]
		}
	}
	return nil
}

// unknownImport refuses a name of the host module, with the caller's reason if it has one.
func unknownImport(im *module.Import, o *Options) error {
	if o.UnknownImport != nil {
		if err := o.UnknownImport(im.Name); err != nil {
			return &Reject{Reason: firstLine(err), Err: err}
		}
	}
	return reject("imports %s.%s, which this host does not have", im.Module, printable(im.Name))
}
