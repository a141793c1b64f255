// Package gen writes the Go files that mirror enumerations of the kernel's user API: the helper
// functions of core/asm and the program, map and attach types of core/spec.
//
// Its input is uapi.txt, committed beside it. To take over a newer kernel's numbers, replace the
// enumerations in that file with the output of the command in its head and run
//
//	go test ./core/internal/gen -write
//
// Without -write the same test fails when a generated file differs from what would be written.
package gen
