// Package objectrun is the plugin that is built in: it runs an eBPF object that has none. It is a
// guest in Go, which plans and runs as a module does, through the functions of the ABI: programs are
// attached by their sections, variables and sizes of maps are set as the operator says, and records
// of ring buffers are printed by their types.
//
// All that can be wrong with an option is found in [New], which needs the object alone.
package objectrun
