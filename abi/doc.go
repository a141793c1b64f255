// Package abi is the contract between the host and its guests, as data: every function, hook,
// property, number and shared record of the import module bpfhost_v1, each with its documentation.
//
// From this table the generator makes the constants and records of this package, the host's
// bindings, the SDKs, the reference page docs/abi.md and the listings under testdata. There is no
// other place where a number of the contract is written down.
//
// # Rules
//
// Version: additions raise the minor version, and nothing that was released ever changes or goes
// away. A host runs guests built for its own or an older minor version.
//
// Memory: it is all the guest's. Bytes go in as pointer and length, and come back into a buffer
// that the guest passes: the result is the length needed, and if that is more than the buffer
// holds, nothing was written. A length of zero means that the pointer is not looked at. The host
// keeps no pointer past a call, except the buffer of an open event source, which it checks at every
// use.
//
// Records that start with their size may grow at the end. In: a shorter one is filled with zeros, a
// longer one has to have a tail of zeros. Out: as much as fits, with the size field saying how much
// that is.
//
// Results are i32: zero or above is success, below zero is -Errno. err_info has the details.
//
// Handles are u32: kind(5) | generation(11) | index(16). Kinds stay below 16, so that a handle is a
// positive i32. Zero is not a handle. They belong to one instance; one that was closed is stale,
// not reused.
package abi

//go:generate go run ./internal/gen -write
