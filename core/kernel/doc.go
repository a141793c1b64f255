// Package kernel is what is known of the running kernel: its types and those of its modules, symbols,
// build configuration, version, CPUs, clock, and what it holds of types and accepts of them. It also has
// the conditions that callers act on, ErrNotSupported, *FeatureError and ErrPermission, and explains with
// Kernel.TooOld and Kernel.Explain which of them a refusal of the kernel means.
//
//	k := kernel.New(kernel.Options{})
//	defer k.Close()
//	types, err := k.Types()
//
// What a kernel has of types of programs, maps, links and hooks, of helpers, kernel functions, instructions
// and flags, [Kernel.Has] asks by trying the smallest thing that takes it:
//
//	err := k.Has(spec.ProgramXDP.Calls(asm.HelperLoop)) // nil, or ErrNotSupported and since when
//
// There is no package state: what was learnt is in a [Kernel], which callers share between loads and drop
// when they like. It may be used from several goroutines at once. Outside of Linux everything that has to
// be asked for returns an error that wraps ErrNotSupported.
package kernel
