package module

// Kind says what a Mark is about.
type Kind uint8

// The kinds of marks.
const (
	Size     Kind = iota // a size at Pos, whose content ends at Arg
	Index                // function index Arg at Pos
	Start                // the instructions of Bodies[Arg] start at Pos
	LoopHead             // the instructions of Loops[Arg] start at Pos
	LoopEnd              // the end of Loops[Arg] is at Pos
	Branch               // a label at Pos; the branch leaves or repeats the innermost Arg loops
	Return               // a return at Pos, inside of Arg blocks
	Bulk                 // a bulk instruction at Pos, of number Arg after its prefix
	Grow                 // a memory.grow at Pos
)

// Mark is a place that who rewrites a module has to look at. Marks are in the order of the file.
type Mark struct {
	Pos, Arg uint32
	Kind     Kind
}

// Body is one function with code.
type Body struct {
	Locals   int    // offset of its locals
	Code     int    // offset of its first instruction
	End      int    // offset after its last one
	NumLocal uint32 // parameters and locals
	Frame    uint32 // what a call of it holds, in values: parameters, locals, operands
	Cost     uint32 // fuel for its instructions outside of loops
	Indirect bool   // it calls entries of the table
	Loops    bool   // it has loops without calls
	CallLoop bool   // it has loops with calls
	Bulk     bool   // it has bulk instructions or memory.grow
	LeadLoop bool   // it always runs into its first loop, before it calls or branches
}

// Loop is one loop of a function.
type Loop struct {
	Cost     uint32 // fuel for each round
	Calls    bool   // it calls functions
	Payer    uint32 // function that each round calls, plus one; 0 is none, or not known
	Straight uint32 // offset of a br_if 0 that ends it and is its only branch, where it has no blocks; 0 is none

	TypeAt int // offset of its block type; 0 is a loop that takes operands

	first, n uint32 // of Module.Carried
}

// Local is a local of a function, with its type.
type Local struct {
	Index uint32
	Type  ValueType
}

// CarriedBy returns the locals that a loop sets for its next round. Of functions with many locals only
// the first 64 count.
func (m *Module) CarriedBy(l *Loop) []Local { return m.Carried[l.first : l.first+l.n] }

// Span is one section.
type Span struct {
	ID         uint8
	Head       int // offset of its id
	Start, End int // offsets of its content
}

// mark notes a place.
func (m *Module) mark(k Kind, pos int, arg uint32) {
	m.Marks = append(m.Marks, Mark{uint32(pos), arg, k})
}
