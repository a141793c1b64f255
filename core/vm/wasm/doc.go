// Package wasm translates eBPF programs to WebAssembly: instructions in, the bytes of a module out.
//
//	code, sizes, err := wasm.Translate(&wasm.Program{Insns: insns, StackTop: top, …})
//
// core/vm uses it for programs that run often, on an engine that its caller brings; see
// vm.Options.Engine. To run one program both ways, make two machines of one collection:
//
//	interpreted, err := vm.New(c, vm.Options{})
//	translated, err := vm.New(c, vm.Options{Engine: sim.NewEngine(), Eager: true})
//
// where sim is host/sim. Machine.Translated says whether a program that ran was translated.
//
// # What a module is like
//
// A function of the program is a function of the module: R1 to R5 and R10 in, R0 out. Registers are
// locals, so R6 to R9 are kept for free. Branches become blocks and loops by the tree of dominators
// (N. Ramsey, Beyond Relooper, 2022); functions with loops of several entries become a loop around a
// br_table.
//
// Memory is shared with the machine: an address is an index into it. In its first page, where no
// object is, lies the state of the run (the State constants). Each access is held against the shadow of
// memory, as the interpreter does; it is left out where the place is known to belong to an object: the
// stack, the context, the packet up to what was compared with data_end, values of maps and records of
// rings that were compared with NULL. Look-ups in arrays and hash maps, reservations of ring records and
// bpf_loop are part of the module. For everything else, and for whatever goes wrong, it calls the one
// function that it imports, with the instruction that is to be done.
//
// Fuel is taken where the interpreter takes it: by backward jumps, calls, tail calls and callbacks.
package wasm
