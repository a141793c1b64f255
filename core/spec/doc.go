// Package spec holds specs: what an object file or a plugin wants to have in the kernel, as plain
// data. [Collection], [Program], [Map] and [Var] are what other libraries call CollectionSpec,
// ProgramSpec, MapSpec and VariableSpec.
//
// A spec holds names only: never a file descriptor, a kernel id or a jump displacement. Every jump
// goes to a label, every reference names its target, and the loader is the only place where names
// become numbers. So the same bytes make the same spec, and the same text, on every machine.
//
// # Functions
//
// A program is its entry function followed by every function that it calls. The first instruction
// of each carries Insn.Func; a function reaches up to the next such mark. Calls name a function
// ([asm.RefFunc]); [Program.Resolve] returns the instructions with these names resolved to labels.
//
// # Sharing
//
// [Insns], the instructions of a program, is a value: copies share what they hold, and a change
// makes instructions of its own for the one that is changed. So a clone costs the same whatever the
// length of its programs, and no edit of it reaches the original. An edit copies a small part of a
// program and finds labels and functions without looking at all of it, so that n edits take time in
// proportion to n. What comes from an object is packed into a third of the memory, and the programs
// that call a function share it; the first edit unpacks its program.
//
// # Jump tables
//
// Where gotox goes is in [JumpTable] values of the program, whose entries are labels: edits move
// them as they move the targets of jumps, and refuse to delete a place that an entry of a table in
// use leads to.
//
// # Editing
//
// [Program.Splice] replaces a range of instructions by others. Its rule, in full:
//
//   - Code inserted at i stands before the instruction that was at i. Jumps to that instruction
//     still land on it and skip the inserted code, unless SpliceOptions.TakeLabel hands its label
//     to the inserted code. Falling into it from above runs the inserted code.
//   - Code inserted where a function starts becomes the function's start: the mark moves, and the
//     source line moves to the new first instruction if that has none, because the kernel wants
//     a line at each function start. Inserting at the end appends to the last function.
//   - A first inserted instruction with a mark of its own starts a new function there.
//   - When instructions are replaced, jumps to the first of them land on the first of the new ones.
//     Jumps to any other of them land on the next instruction that stays, which has to be in the
//     same function; otherwise the edit is refused. An inserted instruction that carries the label
//     itself takes precedence.
//   - When the first instructions of a function are deleted, the next one becomes its start.
//     A function can be deleted whole if nothing refers to it; the entry function only together
//     with everything else.
//   - Source lines stand where a line begins, so inserted code without one belongs to the line
//     before it, and deleting the instruction with the record hands it to the next.
//   - A CO-RE record belongs to its instruction and goes away with it.
//
// A refused edit changes nothing.
//
// Package opt inlines, folds and prunes whole programs.
package spec
