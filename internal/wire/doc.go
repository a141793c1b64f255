// Package wire reads fixed-layout binary data that is not trusted: one bounds-checked cursor whose
// first failure sticks, so that a decoder reads a whole record and asks for the error once.
//
// Every format error of the core is made here and says in which section and at which offset.
package wire
