// Package loader loads a spec ([spec.Collection]) into the kernel. It is the only place where
// names become numbers: descriptors, addresses, BTF ids, offsets of this kernel's types.
//
// # Order of steps
//
// [Load] does, in this order, and the first failure undoes everything before it:
//
//  1. checks the spec, without the kernel;
//  2. lays instances of struct_ops out as this kernel has their types;
//  3. prepares the programs: CO-RE relocations, kernel symbols and functions, attach targets;
//  4. loads the type information, one BTF object for the whole collection;
//  5. creates the maps, fills in and freezes data sections, maps arenas into this process with their
//     variables, and makes maps of maps;
//  6. puts the maps' descriptors into the programs, makes maps of their jump tables, and loads them one by one;
//  7. fills arrays of programs;
//  8. pins the new maps that ask for it, see below.
//
// The spec is never changed. On an error nothing stays open, and nothing stays pinned.
// Nothing is attached here, and no instance of struct_ops is registered; package link does that.
//
// # Pins
//
// New pins appear in the last step, all those of a directory at the same moment: they are made in a
// staging directory next to it, which takes its place (renameat2). So a load that fails, or a process
// that is killed, leaves none of them, and the directory itself is made with them. Before step 5 a load
// that is to make pins locks their directories, and another one that wants the same waits for it and uses
// what it finds then; a map that is pinned already is used if it is as the spec says. Options.Publication
// puts the last step off, for several loads. [Collection.Publish] and [Collection.Replace] make a
// directory of all maps and programs, and exchange it for the one of another version.
//
// The next load removes what a process left that was killed; [Leftovers] lists it. docs/pins.md has the
// details.
//
// # What is kept
//
// The package has no state. What was learnt of a kernel (its types, symbols, configuration) is in
// a kernel.Kernel, which callers may share between loads and close when they like.
//
// # Modules
//
// Functions, variables and types are looked for in the kernel proper and, only if it has none of
// the name, in the modules that are loaded (Linux 5.11; their functions can be called since 5.16).
// An attach target may name its module: "nf_conntrack:nf_conntrack_in". The first use of a module's
// function or variable takes CAP_SYS_ADMIN, to find the module's types in the kernel. A module
// whose types cannot be read is left out, with note L03.
//
// # Kernels without types
//
// With Options.CoreTypes, CO-RE relocations are computed for these types and no others, as libbpf
// does with btf_custom_path: those of a file made for the running kernel, whole or as small as
// btf.MinCore or "bpfhost btf min" make them. Everything else that needs types (attaching to
// functions, kernel symbols and functions, struct_ops) still needs those of the kernel itself.
//
// # Concurrency
//
// A [Collection], its [Program] and [Map] values and a [Kernel] may be used from several goroutines
// at once. Close during a call takes effect when the call is over; later calls return an error that
// wraps os.ErrClosed.
//
// # Old kernels
//
// Linux 5.10 and newer. Where a feature is only an aid to debugging (names, source lines, types of
// maps) an older kernel gets the program without it; otherwise the error is a [*FeatureError],
// which says since when the feature exists.
package loader
