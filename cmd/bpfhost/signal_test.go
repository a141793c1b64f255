package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
)

// The first signal ends a command that holds nothing; one that does is told, and the second ends it
// whatever it does.
func TestSignals(t *testing.T) {
	for _, tt := range []struct {
		name string
		hold func(*signals)
		// after each signal: whether the context ended, and how often the process was ended
		told  []bool
		exits []int
	}{
		{"nothing held", func(*signals) {}, []bool{false}, []int{1}},
		{"held", func(s *signals) { s.hold() }, []bool{true, true}, []int{0, 1}},
		{"held twice", func(s *signals) { s.hold(); s.hold()() }, []bool{true, true}, []int{0, 1}},
		{"released", func(s *signals) {
			release := s.hold()
			release()
			release()
		}, []bool{false}, []int{1}},
		{"no signals", func(*signals) { (*signals)(nil).hold()() }, []bool{false}, []int{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var codes []int
			s := &signals{cancel: cancel, exit: func(code int) { codes = append(codes, code) }}
			tt.hold(s)
			for i := range tt.told {
				s.received()
				if told := errors.Is(context.Cause(ctx), errInterrupted); told != tt.told[i] || len(codes) != tt.exits[i] {
					t.Errorf("signal %d: told %v, ended %d times; want %v, %d", i+1, told, len(codes), tt.told[i], tt.exits[i])
				}
			}
			if slices.ContainsFunc(codes, func(c int) bool { return c != exitInterrupted }) {
				t.Errorf("exit codes %v", codes)
			}
		})
	}
}

// The end of the terminal is a reason to end, unless nohup has that ignored.
func TestHangup(t *testing.T) {
	if !slices.Contains(ending(), os.Signal(syscall.SIGHUP)) {
		t.Error("a closed terminal ends nothing")
	}
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if slices.Contains(ending(), os.Signal(syscall.SIGHUP)) {
		t.Error("nohup does not help")
	}
}
