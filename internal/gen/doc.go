// Package gen writes the Go files that mirror enumerations of the kernel's user API: the helper
// functions of core/asm and the program, map, attach and link types of core/spec.
//
// Its input is committed beside it: the enumerations in uapi.txt, and what is known of every helper
// in helpers.txt. To take over a newer kernel's numbers, replace the enumerations with the output
// of the command in the head of that file, add lines for new helpers, and run
//
//	go test ./internal/gen -write
//
// Without -write the same test fails when a generated file differs from what would be written.
package gen
