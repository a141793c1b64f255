// Package guests holds the plugins that come with bpfhost. Each folder is one plugin with its eBPF
// sources and its two versions, in Go and in C. Only the quickstart is compiled into the command.
package guests

import _ "embed"

// Quickstart is the quickstart plugin: the module built from quickstart/c by build.sh.
//
//go:embed quickstart/quickstart.wasm
var Quickstart []byte
