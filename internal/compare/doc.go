// Package compare runs the programs of two collections on the same inputs, in user space on core/vm,
// and says what they do that is not the same.
//
//	pairs, _ := compare.Pairs(a, b, nil)
//	for _, p := range pairs {
//		report, err := compare.Run(a, b, p, compare.Options{Random: 1000, Seed: 1})
//	}
//
// Inputs are those that the caller has, and random ones: packets and contexts that are made of what the
// programs themselves compare with. Both programs see the same time, the same random numbers and the
// same contents of maps. What an input leaves in maps the next one finds, until something differs: then
// both begin anew, so that each difference is one of its own.
//
// No difference is not a proof, except where the programs are identical. docs/compare.md says what is
// compared.
package compare
