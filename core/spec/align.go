package spec

import "slices"

// maxEdits bounds the edits that the exact algorithm looks for in one stretch. Beyond it, stretches
// are split at what is unique in both, and what has nothing unique counts as replaced.
const maxEdits = 400

// span is a pair of stretches that are still to be aligned.
type span struct{ a, aEnd, b, bEnd int }

// align finds which elements of two sequences correspond: it returns for every element of a the
// index of its partner in b, or -1. Partners are equal and in order. Few differences are found
// exactly (E. W. Myers, An O(ND) Difference Algorithm, 1986), so the time is bounded by the length
// times maxEdits and memory by maxEdits squared.
func align(a, b []int32) []int32 {
	match := make([]int32, len(a))
	for i := range match {
		match[i] = -1
	}
	work := []span{{0, len(a), 0, len(b)}}
	for len(work) > 0 {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		for s.a < s.aEnd && s.b < s.bEnd && a[s.a] == b[s.b] {
			match[s.a] = int32(s.b)
			s.a, s.b = s.a+1, s.b+1
		}
		for s.a < s.aEnd && s.b < s.bEnd && a[s.aEnd-1] == b[s.bEnd-1] {
			s.aEnd, s.bEnd = s.aEnd-1, s.bEnd-1
			match[s.aEnd] = int32(s.bEnd)
		}
		if s.a == s.aEnd || s.b == s.bEnd || s.exact(a, b, match) {
			continue
		}
		work = append(work, s.split(a, b)...)
	}
	return match
}

// exact aligns the stretch if maxEdits suffice. Round d knows for every diagonal how far d edits
// reach; the rounds are kept to walk back.
func (s span) exact(a, b []int32, match []int32) bool {
	n, m := s.aEnd-s.a, s.bEnd-s.b
	var rounds [][]int32
	for d := 0; d <= min(n+m, maxEdits); d++ {
		reach := make([]int32, 2*d+1) // by diagonal k+d: the furthest x
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x = step(rounds[d-1], d, k)
			}
			y := x - k
			for x < n && y < m && a[s.a+x] == b[s.b+y] {
				x, y = x+1, y+1
			}
			reach[k+d] = int32(x)
			if x >= n && y >= m {
				s.walk(append(rounds, reach), k, match)
				return true
			}
		}
		rounds = append(rounds, reach)
	}
	return false
}

// step returns where round d starts on diagonal k, before it slides along equal elements: one
// insertion or deletion after the better of its neighbours in the round before.
func step(before []int32, d, k int) int {
	at := func(k int) int { return int(before[k+d-1]) }
	if k == -d || k != d && at(k-1) < at(k+1) {
		return at(k + 1)
	}
	return at(k-1) + 1
}

// walk goes back through the rounds and records the equal elements.
func (s span) walk(rounds [][]int32, k int, match []int32) {
	for d := len(rounds) - 1; d >= 0; d-- {
		x, from := int(rounds[d][k+d]), 0
		if d > 0 {
			from = step(rounds[d-1], d, k)
		}
		for ; x > from; x-- {
			match[s.a+x-1] = int32(s.b + x - 1 - k)
		}
		if d == 0 {
			return
		}
		before := rounds[d-1]
		if k == -d || k != d && before[k-1+d-1] < before[k+1+d-1] {
			k++
		} else {
			k--
		}
	}
}

// split divides the stretch at elements that occur once on both sides, as many as are in the same
// order. It returns nothing if there are none.
func (s span) split(a, b []int32) []span {
	type seen struct{ inA, inB, atA, atB int }
	count := make(map[int32]seen)
	for i := s.a; i < s.aEnd; i++ {
		c := count[a[i]]
		c.inA, c.atA = c.inA+1, i
		count[a[i]] = c
	}
	for j := s.b; j < s.bEnd; j++ {
		if c, ok := count[b[j]]; ok {
			c.inB, c.atB = c.inB+1, j
			count[b[j]] = c
		}
	}
	var unique []seen
	for i := s.a; i < s.aEnd; i++ {
		if c := count[a[i]]; c.inA == 1 && c.inB == 1 {
			unique = append(unique, c)
		}
	}
	places := make([]int, len(unique))
	for i, u := range unique {
		places[i] = u.atB
	}
	var out []span
	rest := s
	for _, i := range longestIncreasing(places) {
		u := unique[i]
		// The anchor is the last element of its part, where trimming matches it.
		out = append(out, span{rest.a, u.atA + 1, rest.b, u.atB + 1})
		rest.a, rest.b = u.atA+1, u.atB+1
	}
	if out == nil {
		return nil
	}
	return append(out, rest)
}

// longestIncreasing returns the indices of a longest increasing subsequence.
func longestIncreasing(v []int) []int {
	var tails []int // by length: index of the smallest last element
	before := make([]int, len(v))
	for i, x := range v {
		n, _ := slices.BinarySearchFunc(tails, x, func(t, x int) int { return v[t] - x })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	out := make([]int, 0, len(tails))
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		out = append(out, i)
	}
	slices.Reverse(out)
	return out
}
