module github.com/bpfhost/bpfhost/bench

go 1.26.0

require (
	github.com/bpfhost/bpfhost v0.0.0
	github.com/cilium/ebpf v0.22.0
)

require (
	github.com/expr-lang/expr v1.17.8 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/bpfhost/bpfhost => ../
