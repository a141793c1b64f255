package wasm

// opcode is an instruction of WebAssembly.
type opcode byte

// The instructions that modules are made of (WebAssembly Core Specification 2.0, section 5.4).
const (
	opUnreachable  opcode = 0x00
	opBlock        opcode = 0x02
	opLoop         opcode = 0x03
	opIf           opcode = 0x04
	opElse         opcode = 0x05
	opEnd          opcode = 0x0b
	opBr           opcode = 0x0c
	opBrIf         opcode = 0x0d
	opBrTable      opcode = 0x0e
	opReturn       opcode = 0x0f
	opCall         opcode = 0x10
	opCallIndirect opcode = 0x11
	opDrop         opcode = 0x1a
	opSelect       opcode = 0x1b
	opLocalGet     opcode = 0x20
	opLocalSet     opcode = 0x21
	opLocalTee     opcode = 0x22
	opI32Load      opcode = 0x28
	opI64Load      opcode = 0x29
	opI32Load8U    opcode = 0x2d
	opI64Load8S    opcode = 0x30
	opI64Load8U    opcode = 0x31
	opI64Load16S   opcode = 0x32
	opI64Load16U   opcode = 0x33
	opI64Load32S   opcode = 0x34
	opI64Load32U   opcode = 0x35
	opI32Store     opcode = 0x36
	opI64Store     opcode = 0x37
	opI32Store8    opcode = 0x3a
	opI64Store8    opcode = 0x3c
	opI64Store16   opcode = 0x3d
	opI64Store32   opcode = 0x3e
	opI32Const     opcode = 0x41
	opI64Const     opcode = 0x42
	opI32Eqz       opcode = 0x45
	opI32Eq        opcode = 0x46
	opI32Ne        opcode = 0x47
	opI32LtS       opcode = 0x48
	opI32LtU       opcode = 0x49
	opI32GtS       opcode = 0x4a
	opI32GtU       opcode = 0x4b
	opI32LeS       opcode = 0x4c
	opI32LeU       opcode = 0x4d
	opI32GeS       opcode = 0x4e
	opI32GeU       opcode = 0x4f
	opI64Eqz       opcode = 0x50
	opI64Eq        opcode = 0x51
	opI64Ne        opcode = 0x52
	opI64LtS       opcode = 0x53
	opI64LtU       opcode = 0x54
	opI64GtS       opcode = 0x55
	opI64GtU       opcode = 0x56
	opI64LeS       opcode = 0x57
	opI64LeU       opcode = 0x58
	opI64GeS       opcode = 0x59
	opI64GeU       opcode = 0x5a
	opI32Add       opcode = 0x6a
	opI32Sub       opcode = 0x6b
	opI32Mul       opcode = 0x6c
	opI32DivU      opcode = 0x6e
	opI32RemU      opcode = 0x70
	opI32And       opcode = 0x71
	opI32Or        opcode = 0x72
	opI32Xor       opcode = 0x73
	opI32Shl       opcode = 0x74
	opI32ShrS      opcode = 0x75
	opI32ShrU      opcode = 0x76
	opI32Rotl      opcode = 0x77
	opI64Add       opcode = 0x7c
	opI64Sub       opcode = 0x7d
	opI64Mul       opcode = 0x7e
	opI64DivS      opcode = 0x7f
	opI64DivU      opcode = 0x80
	opI64RemS      opcode = 0x81
	opI64RemU      opcode = 0x82
	opI64And       opcode = 0x83
	opI64Or        opcode = 0x84
	opI64Xor       opcode = 0x85
	opI64Shl       opcode = 0x86
	opI64ShrS      opcode = 0x87
	opI64ShrU      opcode = 0x88
	opI64Rotl      opcode = 0x89
	opI32WrapI64   opcode = 0xa7
	opI64ExtI32S   opcode = 0xac
	opI64ExtI32U   opcode = 0xad
	opI64Extend8S  opcode = 0xc2
	opI64Extend16S opcode = 0xc3
	opI64Extend32S opcode = 0xc4
)

// opNames has the names of the text format, for the parts of modules that are written in it.
var opNames = map[string]opcode{
	"unreachable": opUnreachable, "block": opBlock, "loop": opLoop, "if": opIf, "else": opElse, "end": opEnd,
	"br": opBr, "br_if": opBrIf, "br_table": opBrTable, "return": opReturn, "call": opCall, "call_indirect": opCallIndirect,
	"drop": opDrop, "select": opSelect, "local.get": opLocalGet, "local.set": opLocalSet, "local.tee": opLocalTee,
	"i32.load": opI32Load, "i64.load": opI64Load, "i32.load8_u": opI32Load8U, "i64.load8_s": opI64Load8S, "i64.load8_u": opI64Load8U,
	"i64.load16_s": opI64Load16S, "i64.load16_u": opI64Load16U, "i64.load32_s": opI64Load32S, "i64.load32_u": opI64Load32U,
	"i32.store": opI32Store, "i64.store": opI64Store, "i32.store8": opI32Store8, "i64.store8": opI64Store8,
	"i64.store16": opI64Store16, "i64.store32": opI64Store32, "i32.const": opI32Const, "i64.const": opI64Const,
	"i32.eqz": opI32Eqz, "i32.eq": opI32Eq, "i32.ne": opI32Ne, "i32.lt_s": opI32LtS, "i32.lt_u": opI32LtU, "i32.gt_s": opI32GtS,
	"i32.gt_u": opI32GtU, "i32.le_s": opI32LeS, "i32.le_u": opI32LeU, "i32.ge_s": opI32GeS, "i32.ge_u": opI32GeU,
	"i64.eqz": opI64Eqz, "i64.eq": opI64Eq, "i64.ne": opI64Ne, "i64.lt_s": opI64LtS, "i64.lt_u": opI64LtU, "i64.gt_s": opI64GtS,
	"i64.gt_u": opI64GtU, "i64.le_s": opI64LeS, "i64.le_u": opI64LeU, "i64.ge_s": opI64GeS, "i64.ge_u": opI64GeU,
	"i32.add": opI32Add, "i32.sub": opI32Sub, "i32.mul": opI32Mul, "i32.div_u": opI32DivU, "i32.rem_u": opI32RemU, "i32.and": opI32And,
	"i32.or": opI32Or, "i32.xor": opI32Xor, "i32.shl": opI32Shl, "i32.shr_s": opI32ShrS, "i32.shr_u": opI32ShrU, "i32.rotl": opI32Rotl,
	"i64.add": opI64Add, "i64.sub": opI64Sub, "i64.mul": opI64Mul, "i64.div_s": opI64DivS, "i64.div_u": opI64DivU, "i64.rem_s": opI64RemS,
	"i64.rem_u": opI64RemU, "i64.and": opI64And, "i64.or": opI64Or, "i64.xor": opI64Xor, "i64.shl": opI64Shl, "i64.shr_s": opI64ShrS,
	"i64.shr_u": opI64ShrU, "i64.rotl": opI64Rotl, "i32.wrap_i64": opI32WrapI64, "i64.extend_i32_s": opI64ExtI32S,
	"i64.extend_i32_u": opI64ExtI32U, "i64.extend8_s": opI64Extend8S, "i64.extend16_s": opI64Extend16S, "i64.extend32_s": opI64Extend32S,
}

// isMemory reports whether an instruction has an alignment and an offset.
func (o opcode) isMemory() bool { return o >= opI32Load && o <= opI64Store32 }
