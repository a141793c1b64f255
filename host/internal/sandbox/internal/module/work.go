package module

import "time"

// work predicts what the compiler (wazero's) will do for a function, with fuel in it. Its passes are
// linear in instructions, but quadratic in basic blocks (dominators, nesting of loops), and in the
// variables that live across a place where control flow joins: each join has an argument for each
// of them, and each argument is looked at for every other, for every way into the join.
type work struct {
	instructions int
	accesses     int // loads and stores
	checked      int // divisions and conversions that may trap
	calls        int
	bulks        int
	blocks       int
	loopCount    int
	depth        int // most loops in each other

	seen  []int32    // of each local, the number of the join after which it was used last
	live  []int32    // of each join, how many more locals live across it than across the one before
	ways  []int32    // of each join, the ways into it
	loops []openLoop // that are open, the outermost first
	scope int32      // number of the join before the innermost open block
}

// What things take, in nanoseconds of one processor. They were fitted to compiles of real modules
// and of hostile ones that have much of one thing.
const (
	nsFunction    = 5_000
	nsInstruction = 200
	nsAccess      = 2_500
	nsChecked     = 5_000
	nsCall        = 1_250
	nsBulk        = 75_000
	nsBlock       = 1_000
	nsArgument    = 25
	nsNested      = 125 // each loop for the deepest nesting

	nsBlockPair    = 1.25
	nsArgumentPair = 0.75
)

// What fuel adds, in basic blocks.
const (
	chargedFunction = 4
	chargedLoop     = 2
	chargedBulk     = 2
	carriedWork     = 3 // instructions for each local
)

// openLoop is a loop that did not end yet.
type openLoop struct {
	join   int32 // number of its head
	around int32 // locals that live around it
}

// begin starts a function.
func (k *work) begin(locals int) {
	if cap(k.seen) < locals {
		k.seen = make([]int32, locals)
	}
	seen := k.seen[:locals]
	clear(seen)
	*k = work{seen: seen, live: append(k.live[:0], 0, 0), ways: append(k.ways[:0], 0), loops: k.loops[:0],
		blocks: 1 + chargedFunction}
}

// join notes that control flow joins, from so many sides.
func (k *work) join(ways int) {
	k.live = append(k.live, 0)
	k.ways = append(k.ways, int32(ways))
}

// enter notes that a block begins.
func (k *work) enter() { k.scope = int32(len(k.ways) - 1) }

// loop notes the head of a loop.
func (k *work) loop() {
	k.join(1)
	k.loopCount++
	k.blocks += 2 + chargedLoop
	k.loops = append(k.loops, openLoop{join: int32(len(k.ways) - 1)})
	k.depth = max(k.depth, len(k.loops))
}

// straightCost is the largest cost of a round of a straight loop.
const straightCost = 80

// Copies returns how often the instructions of a straight loop are to be written, by
// the cost of a round.
func Copies(cost uint32) int {
	if cost <= straightCost/2 {
		return 4
	}
	return 2
}

// straight notes a loop whose instructions are written several times.
func (k *work) straight(cost uint32) {
	more := Copies(cost) - 1
	k.instructions += more * int(cost)
	k.accesses += more * int(cost) / 4
	k.blocks += more
}

// endLoop notes the end of a loop, with the branches to its head.
func (k *work) endLoop(branches int) {
	l := k.loops[len(k.loops)-1]
	k.loops = k.loops[:len(k.loops)-1]
	k.ways[l.join] += int32(branches)
	k.live[len(k.live)-1] -= l.around
}

// local notes the use of a local. One that is read lives across the joins since it was used last,
// and if a loop began since then, across all of the loop.
func (k *work) local(i uint32, set bool) {
	now, last := int32(len(k.ways)-1), k.seen[i]
	if last == now {
		return
	}
	k.seen[i] = now
	if set && last >= k.scope {
		return // nothing skips it, so that the old value is dead
	}
	k.live[last+1]++
	for j := range k.loops {
		if k.loops[j].join > last {
			k.loops[j].around++
			return
		}
	}
	k.live[now+1]--
}

// end returns the prediction for the function.
func (k *work) end() time.Duration {
	var live, arguments, pairs float64
	for i, n := range k.ways {
		live += float64(k.live[i])
		arguments += live * float64(n)
		pairs += live * live * float64(n)
	}
	blocks := float64(k.blocks)
	linear := nsFunction + nsInstruction*k.instructions + nsAccess*k.accesses + nsChecked*k.checked +
		nsCall*k.calls + nsBulk*k.bulks + nsBlock*k.blocks + nsNested*k.loopCount*k.depth
	return time.Duration(float64(linear) + nsArgument*arguments + nsBlockPair*blocks*blocks + nsArgumentPair*pairs)
}
