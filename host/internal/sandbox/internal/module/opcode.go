package module

// The immediates that follow an opcode.
const (
	immInvalid uint8 = iota // the opcode does not exist, or nobody here runs it
	immNone                 // nothing
	immLocal                // index of a local
	immInt32                // signed number of 32 bits
	immInt64                // signed number of 64 bits
	immGlobal               // index of a global
	immMemory               // alignment and offset
	imm4                    // 4 bytes
	imm8                    // 8 bytes
	imm16                   // 16 bytes
	immLane                 // a byte
	immMemLane              // alignment, offset and a byte
	immControl              // see walker.special
)

// operation describes an opcode: what follows it, how many operands it takes and leaves, what it
// costs in fuel.
type operation struct{ imm, pop, push, cost uint8 }

// The opcodes that something here asks for by name (WebAssembly 2.0, section 5.4).
const (
	opUnreachable  = 0x00
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opSelectTyped  = 0x1c
	opLocalGet     = 0x20
	opGlobalSet    = 0x24
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opPrefix       = 0xfc
	opVector       = 0xfd
)

// Costs in fuel that are not one.
const (
	costDivide = 8
	costCall   = 16
	costImport = 200
	costGrow   = 250
)

// operations are the opcodes of one byte, vectors those after opVector.
var operations, vectors = baseOperations(), vectorOperations()

// table fills a table of operations.
type table [256]operation

func (t *table) set(from, to int, op operation) {
	for i := from; i <= to; i++ {
		t[i] = op
	}
}

func baseOperations() *table {
	t := &table{}
	t.set(0x00, 0x11, operation{immControl, 0, 0, 1})
	t.set(0x06, 0x0a, operation{}) // exceptions
	t[0x01] = operation{immNone, 0, 0, 0}
	t[0x1a] = operation{immNone, 1, 0, 1} // drop
	t[0x1b] = operation{immNone, 3, 1, 1} // select
	t[opSelectTyped] = operation{immControl, 0, 0, 1}
	t[0x20] = operation{immLocal, 0, 1, 1}
	t[0x21] = operation{immLocal, 1, 0, 1}
	t[0x22] = operation{immLocal, 1, 1, 1}
	t[0x23] = operation{immGlobal, 0, 1, 1}
	t[0x24] = operation{immGlobal, 1, 0, 1}
	t.set(0x28, 0x35, operation{immMemory, 1, 1, 1})
	t.set(0x36, 0x3e, operation{immMemory, 2, 0, 1})
	t.set(opMemorySize, opMemoryGrow, operation{immControl, 0, 0, 1})
	t[0x41] = operation{immInt32, 0, 1, 1}
	t[0x42] = operation{immInt64, 0, 1, 1}
	t[0x43] = operation{imm4, 0, 1, 1}
	t[0x44] = operation{imm8, 0, 1, 1}
	t.set(0x45, 0xc4, operation{immNone, 2, 1, 1}) // arithmetic on two operands, apart from
	for _, one := range [][2]int{{0x45, 0x45}, {0x50, 0x50}, {0x67, 0x69}, {0x79, 0x7b},
		{0x8b, 0x91}, {0x99, 0x9f}, {0xa7, 0xc4}} {
		t.set(one[0], one[1], operation{immNone, 1, 1, 1})
	}
	t.set(0x6d, 0x70, operation{immNone, 2, 1, costDivide})
	t.set(0x7f, 0x82, operation{immNone, 2, 1, costDivide})
	t.set(0xa8, 0xab, operation{immNone, 1, 1, costDivide}) // truncations that trap
	t.set(0xae, 0xb1, operation{immNone, 1, 1, costDivide})
	t[0x91] = operation{immNone, 1, 1, costDivide} // f32.sqrt
	t[0x95] = operation{immNone, 2, 1, costDivide} // f32.div
	t[0x9f] = operation{immNone, 1, 1, costDivide}
	t[0xa3] = operation{immNone, 2, 1, costDivide}
	t.set(opPrefix, opVector, operation{immControl, 0, 0, 1})
	return t
}

func vectorOperations() *table {
	t := &table{}
	t.set(0, 10, operation{immMemory, 1, 1, 1})
	t[11] = operation{immMemory, 2, 0, 1}
	t[12] = operation{imm16, 0, 1, 1} // v128.const
	t[13] = operation{imm16, 2, 1, 1} // i8x16.shuffle
	t.set(14, 255, operation{immNone, 2, 1, 1})
	for _, one := range [][2]int{{15, 20}, {77, 77}, {83, 83}, {94, 100}, {103, 106}, {116, 117}, {122, 122},
		{124, 129}, {131, 132}, {135, 138}, {148, 148}, {160, 164}, {167, 170}, {192, 196}, {199, 202},
		{224, 227}, {236, 239}, {248, 255}} {
		t.set(one[0], one[1], operation{immNone, 1, 1, 1})
	}
	t.set(21, 34, operation{immLane, 1, 1, 1}) // extract_lane, and replace_lane:
	for _, i := range []int{23, 26, 28, 30, 32, 34} {
		t[i] = operation{immLane, 2, 1, 1}
	}
	t[82] = operation{immNone, 3, 1, 1} // bitselect
	t.set(84, 87, operation{immMemLane, 2, 1, 1})
	t.set(88, 91, operation{immMemLane, 2, 0, 1})
	t.set(92, 93, operation{immMemory, 1, 1, 1})
	for _, i := range []int{154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211,
		212, 226, 238} {
		t[i] = operation{}
	}
	return t
}
