// Package sdk is what a bpfhost plugin in Go is written with.
//
// A plugin registers its hooks from an init function and has an empty main:
//
//	func init() {
//		sdk.Register(sdk.Plugin{Describe: describe, Plan: plan, Started: started, Events: events})
//	}
//
//	func main() {}
//
// and is built as a reactor:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags="-s -w" -o plugin.wasm .
//
// The package wraps the functions of docs/abi.md one to one; numbers, records and property
// accessors are generated. It imports neither fmt nor reflect nor encoding, so that a plugin
// without them stays small. Package sdkasm beside it is for plugins that build instructions with
// core/asm.
//
// A hook that returns an error fails. Its text goes to the operator's log.
//
// Outside of wasip1 the package compiles and every call to the host answers ErrNosup, so that a
// plugin's own logic can be vetted and tested natively.
package sdk
