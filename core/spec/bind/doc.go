// Package bind makes programs of a spec ready for one kernel, or for another machine that runs them: it
// computes CO-RE relocations, finds kernel symbols and functions, and fills in configuration values. It
// asks an interface, [Facts], for what there is, and needs no descriptors and no privileges: maps and jump
// tables stay names.
//
//	f := bind.NewFinder(k, func(n spec.Note) { … }) // k is a *kernel.Kernel, for instance
//	b, err := bind.New(c, c.Programs, f, nil)
//	…
//	p, err := b.Bind(c.Programs[0])
//
// The spec is never changed. What cannot be satisfied becomes a call that no kernel accepts, because the
// program may well never reach it; Program.PoisonAt says why.
package bind
