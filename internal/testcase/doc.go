// Package testcase reads and runs cases for programs: a file names an object, and each case a program
// of it, its input and what has to come of it. docs/test.md describes the format.
//
//	f, err := testcase.Load("drops.yaml", os.ReadFile)
//	for _, c := range f.Cases {
//		outcome := f.Run(c, testcase.Machine{})
//	}
//
// Where cases run is a [Place]: [Machine] is core/vm, without root and on any system; a kernel is
// another.
package testcase
