package btf

// The kinds of CO-RE relocation. The numbers are those of enum bpf_core_relo_kind.
const (
	CoreByteOffset    CoreKind = 0  // where a field begins, in bytes
	CoreByteSize      CoreKind = 1  // how large it is, in bytes
	CoreExists        CoreKind = 2  // whether there is one, 0 or 1
	CoreSigned        CoreKind = 3  // whether it is signed, 0 or 1
	CoreLShift        CoreKind = 4  // left shift of a 64-bit word that takes a bit-field to its top
	CoreRShift        CoreKind = 5  // right shift that takes it to the bottom again
	CoreTypeIDLocal   CoreKind = 6  // id of a type in the program's own BTF
	CoreTypeIDTarget  CoreKind = 7  // id of a type in the kernel's BTF, 0 if that has none
	CoreTypeExists    CoreKind = 8  // whether the kernel has a compatible type, 0 or 1
	CoreTypeSize      CoreKind = 9  // size of a type, in bytes, 0 if the kernel has none
	CoreEnumvalExists CoreKind = 10 // whether the kernel has an enumerator, 0 or 1
	CoreEnumvalValue  CoreKind = 11 // its value
	CoreTypeMatches   CoreKind = 12 // whether the kernel has a type that matches member by member, 0 or 1
)

// lastCoreKind is the highest kind that this package understands.
const lastCoreKind = CoreTypeMatches

var coreKindNames = [lastCoreKind + 1]string{
	"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64", "local_type_id",
	"target_type_id", "type_exists", "type_size", "enumval_exists", "enumval_value", "type_matches",
}

// String returns the name that messages of libbpf and of the kernel use, for example "byte_off".
func (k CoreKind) String() string {
	if k <= lastCoreKind {
		return coreKindNames[k]
	}
	return "unknown"
}

// Field says whether the kind asks about a member.
func (k CoreKind) Field() bool { return k <= CoreRShift }

// Enumval says whether the kind asks about an enumerator.
func (k CoreKind) Enumval() bool { return k == CoreEnumvalExists || k == CoreEnumvalValue }

// Exists says whether the kind asks if something exists, so that its absence is a result.
func (k CoreKind) Exists() bool {
	switch k {
	case CoreExists, CoreTypeExists, CoreEnumvalExists, CoreTypeMatches:
		return true
	}
	return false
}

// zero says whether the result is 0 where nothing matches: for existence, and for the id and the
// size of a type (bpf_core_type_id_kernel and bpf_core_type_size of libbpf's
// bpf_core_read.h).
func (k CoreKind) zero() bool { return k.Exists() || k == CoreTypeIDTarget || k == CoreTypeSize }
