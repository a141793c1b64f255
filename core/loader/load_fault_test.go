package loader

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// everything is a collection that goes through all steps of a load.
func everything(t *testing.T) *spec.Collection {
	t.Helper()
	c := counter()
	types, typed := typedProgram(t)
	c.BTF = types
	c.Programs = append(c.Programs, typed, program("next", asm.Mov64Imm(asm.R0, 2), asm.Exit()))
	c.Maps = append(c.Maps,
		&spec.Map{Name: "calls", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Values: []spec.MapValue{{Key: 1, Name: "next"}}},
		&spec.Map{Name: "outer", Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2,
			Inner: &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}, Values: []spec.MapValue{{Name: "inner"}}},
		&spec.Map{Name: "inner", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Pinning: spec.PinByName},
		&spec.Map{Name: "other", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Pinning: spec.PinByName},
	)
	return c
}

// TestFaultAtEveryCall lets each call to the kernel fail in turn: what remains must be all or nothing.
func TestFaultAtEveryCall(t *testing.T) {
	needKernel(t)
	c := everything(t)
	for _, answer := range []sys.Errno{sys.EPERM, sys.EINVAL, sys.ENOMEM, sys.ENOSPC} {
		failed := 0
		for at := 1; ; at++ {
			dir := bpffs(t)
			names, fds := files(t, dir), files(t, "/proc/self/fd")
			calls := 0
			sys.Inject(func() sys.Errno {
				if calls++; calls == at {
					return answer
				}
				return 0
			})
			got, err := Load(c, Options{PinDir: dir})
			sys.Inject(nil)
			if err == nil {
				got.Close()
				for _, name := range []string{"inner", "other"} {
					if err := os.Remove(dir + "/" + name); err != nil {
						t.Error(err)
					}
				}
			} else {
				failed++
				if !errors.Is(err, answer) {
					t.Errorf("call %d: %v does not wrap %v", at, err, answer)
				}
			}
			if now := files(t, dir); now != names {
				t.Errorf("call %d, %v: pins %s, before %s (%v)", at, answer, now, names, err)
			}
			if now := files(t, "/proc/self/fd"); now != fds {
				t.Errorf("call %d, %v: descriptors %s, before %s (%v)", at, answer, now, fds, err)
			}
			if calls < at {
				break
			}
		}
		if failed < 10 {
			t.Errorf("%v: only %d loads failed", answer, failed)
		}
	}
}

// TestFewDescriptors lets every call from one on fail for want of descriptors: that is what the
// error says, whatever the kernel was asked for.
func TestFewDescriptors(t *testing.T) {
	needKernel(t)
	c := everything(t)
	defer sys.Inject(nil)
	for from := 1; ; from++ {
		dir, calls := bpffs(t), 0
		sys.Inject(func() sys.Errno {
			if calls++; calls >= from {
				return sys.EMFILE
			}
			return 0
		})
		got, err := Load(c, Options{PinDir: dir})
		sys.Inject(nil)
		if err == nil {
			got.Close()
			if calls >= from {
				t.Errorf("call %d: loaded", from)
			}
			break
		}
		var refused *VerifierError
		if !errors.Is(err, sys.EMFILE) || errors.As(err, &refused) || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("call %d: %v", from, err)
		}
	}
}
