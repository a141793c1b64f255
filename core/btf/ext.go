package btf

// FuncInfo describes a function: its name and its FUNC type in the program's BTF
// (struct bpf_func_info, include/uapi/linux/bpf.h). Type 0 means that the function has no BTF.
type FuncInfo struct {
	Name string
	Type ID
}

// CoreKind is a kind of CO-RE relocation (enum bpf_core_relo_kind, include/uapi/linux/bpf.h).
type CoreKind uint32

// CoreRelo asks for a value that depends on the kernel's types (struct bpf_core_relo,
// include/uapi/linux/bpf.h). It is carried by the instruction that it patches.
type CoreRelo struct {
	Type   ID     // root type in the program's own BTF
	Access string // accessor string, e.g. "0:1:2"
	Kind   CoreKind
}
