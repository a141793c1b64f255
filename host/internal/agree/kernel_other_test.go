//go:build !linux

package agree

import "testing"

// newKernel returns no engine: there is no kernel that runs eBPF programs.
func newKernel(*testing.T) engine { return nil }

func stay(*testing.T) {}

func lacks(error) bool { return false }

func rejected(error) bool { return false }
