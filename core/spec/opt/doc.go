// Package opt makes programs of specs smaller without changing what they do.
//
// [Inline] puts the code of a function in the place of a call, [Fold] replaces loads from frozen
// data by what they return and decides conditions by it, and [Prune] removes code that nothing
// reaches or needs, and the maps and variables that are unused then. In this order they turn a
// general program into one for the values that its variables have. [Graph] returns the control flow
// that they work on.
package opt
