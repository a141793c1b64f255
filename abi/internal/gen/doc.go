// Command gen writes everything that follows from the table in package abi: constants and records
// of package abi, the bindings of package host, the SDKs and the reference.
//
//	go run ./abi/internal/gen          name the files that are out of date; exit 1 if there are any
//	go run ./abi/internal/gen -write   write them
//	go run ./abi/internal/gen -keep    put the definition of this minor version aside as released
package main
