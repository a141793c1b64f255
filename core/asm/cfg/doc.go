// Package cfg analyses eBPF programs without running them: control flow, and what follows from it
// whatever the kernel and the type of the program.
//
// [New] finds functions, basic blocks and the edges between them, and what control can get to. From the
// [Graph] come diagnostics ([Graph.Check]), dominators ([Graph.Dominators]), the registers that are
// needed ([Graph.Live]), values that are the same every time ([Graph.Constants]) and the use of the
// stack along chains of calls ([Graph.Stack]). [Graph.ReversePostorder] is an order in which to visit
// blocks, for analyses of one's own. All of this is linear in the size of the program, or nearly so,
// and nothing recurses.
package cfg
