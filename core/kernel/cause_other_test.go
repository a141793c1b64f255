//go:build !linux

package kernel_test

import "errors"

const injectEnv = "BPFHOST_TEST_INJECT"

// runInjection is for Linux.
func runInjection(string) error { return errors.New("only on Linux") }
