package vm_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// mapMachine makes a machine with 2 CPUs and the maps.
func mapMachine(t *testing.T, maps ...*spec.Map) *vm.Machine {
	t.Helper()
	m, err := newMachine(collection(t, spec.ProgramSyscall, "r0 = 0\nexit", maps...), vm.Options{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// list returns the entries of a map as text, sorted.
func list(m *vm.Map) string {
	var s []string
	for k, v := range m.All() {
		s = append(s, fmt.Sprintf("%x=%x", k, v))
	}
	for i, key := 0, []byte(nil); ; i++ { // the same keys in the same order, one after the other
		next, ok, err := m.NextKey(key)
		if err != nil || ok != (i < len(s)) || ok && !strings.HasPrefix(s[i], fmt.Sprintf("%x=", next)) {
			return fmt.Sprintf("NextKey(%x) = %x, %v, %v after %d of %v", key, next, ok, err, i, s)
		}
		if !ok {
			break
		}
		key = next
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

// TestMap does to each type of map what is said of it, and compares errors and entries.
func TestMap(t *testing.T) {
	type step struct {
		verb       string // update, delete, lookup
		key, value string
		flags      uint64
		err        string
	}
	for _, tt := range []struct {
		typ   spec.MapType
		key   uint32
		max   uint32
		steps []step
		want  string
	}{
		{spec.MapArray, 4, 2, []step{
			{"update", "\x01\x00\x00\x00", "ab", vm.Any, ""}, {"update", "\x01\x00\x00\x00", "ab", vm.NoExist, "exists"},
			{"update", "\x02\x00\x00\x00", "ab", vm.Any, "no such index"}, {"delete", "\x01\x00\x00\x00", "", 0, "does not allow"},
			{"update", "\x00", "ab", vm.Any, "the key has 1 bytes, not 4"}, {"update", "\x00\x00\x00\x00", "a", vm.Any, "the value has 1 bytes, not 2"},
		}, "00000000=0000 01000000=6162"},
		{spec.MapHash, 3, 2, []step{
			{"update", "abc", "ab", vm.Exist, "no such entry"}, {"update", "abc", "ab", vm.Any, ""}, {"update", "abc", "ab", vm.NoExist, "exists"},
			{"update", "abd", "xy", vm.NoExist, ""}, {"update", "abe", "xy", vm.Any, "full"}, {"delete", "abe", "", 0, "no such entry"},
			{"delete", "abc", "", 0, ""}, {"update", "abe", "zz", vm.Any, ""}, {"update", "abd", "cd", vm.Exist, ""}, {"update", "abd", "cd", 3, "does not allow"},
		}, "616264=6364 616265=7a7a"},
		{spec.MapPerCPUArray, 4, 1, []step{{"update", "\x00\x00\x00\x00", "ab......cd......", vm.Any, ""}}, "00000000=61620000000000006364000000000000"},
		{spec.MapPerCPUHash, 1, 1, []step{{"update", "k", "ab......cd......", vm.NoExist, ""}, {"update", "l", "ab......cd......", vm.Any, "full"}}, "6b=61620000000000006364000000000000"},
		{spec.MapLRUHash, 1, 2, []step{
			{"update", "a", "11", vm.Any, ""}, {"update", "b", "22", vm.Any, ""}, {"lookup", "a", "11", 0, ""}, {"update", "c", "33", vm.Any, ""},
			{"update", "a", "44", vm.Any, ""}, {"update", "d", "55", vm.Any, ""}, {"delete", "c", "", 0, "no such entry"},
		}, "61=3434 64=3535"},
		{spec.MapLRUPerCPUHash, 1, 1, []step{{"update", "a", "ab......cd......", vm.Any, ""}, {"update", "b", "ef......gh......", vm.Any, ""}}, "62=65660000000000006768000000000000"},
		{spec.MapLPMTrie, 6, 3, []step{
			{"update", "\x08\x00\x00\x00\x0a\x01", "08", vm.Any, ""}, {"update", "\x10\x00\x00\x00\x0a\x01", "16", vm.Any, ""},
			{"lookup", "\x10\x00\x00\x00\x0a\x01", "16", 0, ""}, {"lookup", "\x10\x00\x00\x00\x0a\x02", "08", 0, ""}, {"lookup", "\x0c\x00\x00\x00\x0a\x01", "08", 0, ""},
			{"lookup", "\x10\x00\x00\x00\x0b\x01", "", 0, "none"}, {"update", "\x00\x00\x00\x00\x0c\x0d", "00", vm.Any, ""}, {"lookup", "\x10\x00\x00\x00\x0b\x01", "00", 0, ""},
			{"update", "\x09\x00\x00\x00\x0a\x01", "09", vm.Any, "full"}, {"update", "\x11\x00\x00\x00\x0a\x01", "17", vm.Any, "does not allow"},
			{"lookup", "\x11\x00\x00\x00\x0a\x01", "", 0, "none"},
			{"delete", "\x10\x00\x00\x00\x0a\x01", "", 0, ""}, {"lookup", "\x10\x00\x00\x00\x0a\x01", "08", 0, ""}, {"delete", "\x10\x00\x00\x00\x0a\x01", "", 0, "no such entry"},
		}, "000000000000=3030 080000000a00=3038"},
	} {
		t.Run(tt.typ.String(), func(t *testing.T) {
			m := mapMachine(t, &spec.Map{Name: "m", Type: tt.typ, KeySize: tt.key, ValueSize: 2, MaxEntries: tt.max}).Map("m")
			for i, s := range tt.steps {
				var err error
				switch s.verb {
				case "update":
					err = m.Update([]byte(s.key), []byte(s.value), s.flags)
				case "delete":
					err = m.Delete([]byte(s.key))
				case "lookup":
					var got []byte
					var ok bool
					if got, ok, err = m.Lookup([]byte(s.key)); !ok {
						err = fmt.Errorf("none")
					} else if string(got) != s.value {
						t.Errorf("step %d: found %q, want %q", i, got, s.value)
					}
				}
				if (err == nil) != (s.err == "") || err != nil && !strings.Contains(err.Error(), s.err) {
					t.Errorf("step %d: %v, want %q", i, err, s.err)
				}
			}
			if got := list(m); got != tt.want {
				t.Errorf("entries are %s, want %s", got, tt.want)
			}
		})
	}
}

// TestHashMany fills a map over many allocations, and empties it again.
func TestHashMany(t *testing.T) {
	const n = 1000
	m := mapMachine(t, &spec.Map{Name: "m", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: n}).Map("m")
	for round := range 3 {
		for i := range uint32(n) {
			if err := m.Update(u32(i), u32(^i), vm.NoExist); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		for i := range uint32(n) {
			if v, ok, _ := m.Lookup(u32(i)); !ok || !bytes.Equal(v, u32(^i)) {
				t.Fatalf("round %d: key %d has %x, %v", round, i, v, ok)
			}
			if err := m.Delete(u32(i)); err != nil {
				t.Fatal(err)
			}
		}
		if s := list(m); s != "" {
			t.Fatalf("left: %s", s)
		}
	}
}

func TestForEach(t *testing.T) {
	const text = "*(u64 *)(r10 - 8) = 0\nr1 = map[m] ll\nr2 = label[L1] ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall bpf_for_each_map_elem\nr1 = *(u64 *)(r10 - 8)\nr1 <<= 8\nr0 |= r1\nexit\n" +
		"L1:\nr5 = *(u32 *)(r2 + 0)\nr6 = *(u32 *)(r3 + 0)\nr6 *= r5\nr5 = *(u64 *)(r4 + 0)\nr5 += r6\n*(u64 *)(r4 + 0) = r5\nr0 = 0\nif r5 < 20 goto L2\nr0 = 1\nL2:\nexit"
	for _, typ := range []spec.MapType{spec.MapArray, spec.MapHash} {
		m := machine(t, spec.ProgramSyscall, text, &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 4})
		for i, v := range []uint32{100, 3, 10, 5} {
			if err := m.Map("m").Update(u32(uint32(i)), u32(v), vm.Any); err != nil {
				t.Fatal(err)
			}
		}
		// 0*100 + 1*3 + 2*10 is enough: the last entry is not visited.
		if r := run(t, m, vm.Input{Context: make([]byte, 8)}); r.Return != 23<<8|3 {
			t.Errorf("%v: R0 is %#x", typ, r.Return)
		}
	}
}
