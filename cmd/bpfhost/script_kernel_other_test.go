//go:build !linux

package main

import (
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bpfhost/bpfhost/core/loader"
)

func kernelUsable() error { return loader.ErrNotSupported }

type (
	heldKey  struct{}
	kernelID struct{}
)

func remember(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("needs Linux") }
func free(ts *testscript.TestScript, _ bool, _ []string)     { ts.Fatalf("needs Linux") }
func gone(ts *testscript.TestScript, _ bool, _ []string)     { ts.Fatalf("needs Linux") }

func asNobody()         { main() }
func withCapabilities() { main() }
func withPins()         { main() }
