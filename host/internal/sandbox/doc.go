// Package sandbox runs one WebAssembly guest with nothing but the functions that it is given.
//
// It is the only package that knows the WebAssembly runtime (wazero). Its promises:
//
//   - A module is read twice: first by a strict reader of our own (internal/module), which goes through
//     every section and instruction and refuses whatever could make the runtime allocate or work beyond
//     the size of the file, and only then by the runtime.
//   - Guests share nothing but compiled code: not names, not functions, not memory. Those of one module are
//     in one runtime, without names, and import from the host alone; other modules are in other runtimes.
//   - A guest sees no files, no environment, no sockets, no real clock, and of arguments its name. It may
//     import all of WASI preview 1; what is not granted answers with an error. Its clocks
//     advance by a fixed step at each reading, its random numbers are always the same and its sleep
//     returns at once, so one module with one input has one result.
//   - Guests are metered (internal/fuel): before they work they take from their fuel, and ask for more
//     about every millisecond. Then the deadline and the context of the call are looked at, and the
//     collector gets its turn. So every call ends in time: loops, trees of calls, recursion, operations
//     on much memory, floods of host calls. The fuel that a call uses is the same on every machine.
//   - A trap, a deadline, proc_exit or a panic of a host function poisons the guest: it is closed and
//     never called again, and the host goes on.
//   - Memory is bounded by Limits, and so are the stack, the number of host calls of one call and, where
//     asked for, its fuel.
package sandbox
