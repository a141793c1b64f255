// Command work does work of several kinds, to compare with and without fuel. It is built by
// meter_work_test.go.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

func main() {}

var (
	words [1 << 14]uint32
	data  [1 << 12]byte
)

//go:wasmexport sum
func sum(n uint32) uint32 {
	var s uint32
	for r := range n {
		for i := range words {
			s += words[i] ^ r
		}
	}
	return s
}

//go:wasmexport fib
func fib(n uint32) uint32 {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:wasmexport quicksort
func quicksort(n uint32) uint32 {
	x, a := uint32(1), make([]int, 1000)
	for range n {
		for i := range a {
			x = x*1664525 + 1013904223
			a[i] = int(x >> 8)
		}
		slices.Sort(a)
	}
	return uint32(a[5])
}

//go:wasmexport text
func text(n uint32) uint32 {
	t := 0
	for i := range n {
		t += len(strings.ToUpper(fmt.Sprintf("%d:%s", i, "abc")))
	}
	return uint32(t)
}

//go:wasmexport hash
func hash(n uint32) uint32 {
	for range n {
		s := sha256.Sum256(data[:])
		data[0] = s[0]
	}
	return uint32(data[0])
}

//go:wasmexport lookup
func lookup(n uint32) uint32 {
	m := map[uint32]uint32{}
	for i := range n * 1000 {
		m[i*7&1023] += i
	}
	return m[7]
}

var (
	records [256 * 72]byte
	byPort  [256]uint64
)

//go:wasmexport events
func events(n uint32) uint32 {
	seen := uint32(0)
	for r := range n {
		for at := 0; at+72 <= len(records); {
			record := records[at : at+72]
			if binary.LittleEndian.Uint32(record[8:]) != r {
				seen++
			}
			byPort[record[40]] += binary.LittleEndian.Uint64(record[32:])
			at += max(int(binary.LittleEndian.Uint32(record)), 64) + 8
		}
	}
	return seen + uint32(byPort[7])
}

type shape interface{ area() uint32 }

type square struct{ a uint32 }

type rectangle struct{ a, b uint32 }

func (s square) area() uint32    { return s.a * s.a }
func (r rectangle) area() uint32 { return r.a * r.b }

var shapes = []shape{square{1}, rectangle{2, 3}, square{4}, rectangle{5, 6}}

//go:wasmexport methods
func methods(n uint32) uint32 {
	t := uint32(0)
	for i := range n * 1000 {
		t += shapes[i&3].area()
	}
	return t
}
