// Package link attaches loaded programs to the kernel's hooks.
//
// A [Link] is made by one function per family of hooks, or two where their arguments differ
// ([Tracing], [LSM]). All have the same shape:
//
//	XDP(p *loader.Program, o XDPOptions) (Link, error)
//
// [Attach] picks the family from the attachment of a spec. A link detaches its program when it is
// closed, or when the process ends, however that happens, unless it was pinned.
//
// # Errors
//
// A failed attachment is an [*Error]: it names program, hook and target, and says what to do where
// that is known. It wraps the kernel's answer, loader.ErrNotSupported or loader.ErrPermission.
//
// # Network namespaces
//
// Options that name an interface can name the namespace it lives in, by a path such as
// "/run/netns/blue" or "/proc/1234/ns/net". The interface is looked up and the link made inside, on
// an OS thread of its own.
//
// # Concurrency
//
// All functions and methods may be called from several goroutines at once.
package link
