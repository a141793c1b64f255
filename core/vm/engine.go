package vm

// Engine runs what programs were translated to: modules of WebAssembly, of which package wasm says what
// they import and export. host/sim has one.
type Engine interface {
	// Open makes a place for the modules of one machine. The module shared has the memory, which memory
	// returns for a size in bytes, and the table that they import; host is the function.
	//
	// What host panics with ends the run of a module as an error.
	Open(shared []byte, memory func(size uint64) []byte, host func(stack []uint64)) (Modules, error)

	// Cost returns how long it takes to compile functions of so many bytes of WebAssembly, in ns.
	Cost(sizes []int) int64
}

// Modules are the modules of one machine.
type Modules interface {
	// Load compiles a module. The function that it returns calls its entry: six parameters, and then
	// one result, are in stack.
	Load(code []byte) (run func(stack []uint64) error, err error)

	// Grown says that the memory has grown, and lies elsewhere.
	Grown(size uint64) error

	// Close frees the modules. None must be running.
	Close() error
}

// maxCompile is the longest that a program may take to compile, in ns. What takes longer is interpreted.
const maxCompile = 100e6
