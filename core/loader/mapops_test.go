package loader

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func hash(t testing.TB) *Map {
	t.Helper()
	return loadT(t, collection(nil, &spec.Map{Name: "h", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 100}), Options{}).Map("h")
}

func key(n uint32) []byte   { return native.AppendUint32(nil, n) }
func value(n uint64) []byte { return native.AppendUint64(nil, n) }

func TestMapOperations(t *testing.T) {
	m := hash(t)
	buf := make([]byte, 8)
	if err := m.Lookup(key(1), buf); err != ErrNoKey {
		t.Errorf("missing key: %v", err)
	}
	if err := m.Update(key(1), value(5), UpdateExist); err != ErrNoKey {
		t.Errorf("update of a missing key: %v", err)
	}
	if err := m.Update(key(1), value(5), UpdateNew); err != nil {
		t.Error(err)
	}
	if err := m.Update(key(1), value(6), UpdateNew); !errors.Is(err, os.ErrExist) {
		t.Errorf("second of a key: %v", err)
	}
	if err := m.Lookup(key(1), buf); err != nil || native.Uint64(buf) != 5 {
		t.Errorf("lookup: %d, %v", native.Uint64(buf), err)
	}
	if err := m.Delete(key(1)); err != nil {
		t.Error(err)
	}
	if err := m.Delete(key(1)); err != ErrNoKey {
		t.Errorf("delete of a missing key: %v", err)
	}
	if err := m.NextKey(nil, buf[:4]); err != ErrNoKey {
		t.Errorf("first key of an empty map: %v", err)
	}
}

func TestMapSizesAreChecked(t *testing.T) {
	m := hash(t)
	for name, err := range map[string]error{
		"short key":         m.Lookup(make([]byte, 3), make([]byte, 8)),
		"no key":            m.Lookup(nil, make([]byte, 8)),
		"short value":       m.Lookup(key(1), make([]byte, 7)),
		"long value":        m.Update(key(1), make([]byte, 9), UpdateAny),
		"key to delete":     m.Delete(make([]byte, 5)),
		"key to go on from": m.NextKey(make([]byte, 5), make([]byte, 4)),
		"next key":          m.NextKey(nil, make([]byte, 3)),
		"value to take":     m.LookupDelete(key(1), nil),
	} {
		if err == nil || errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAll(t *testing.T) {
	m := hash(t)
	for i := range uint32(50) {
		if err := m.Update(key(i), value(uint64(i)*3), UpdateAny); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	seen := map[uint32]bool{}
	for k, v := range m.All(&err) {
		n := native.Uint32(k)
		if seen[n] || native.Uint64(v) != uint64(n)*3 {
			t.Errorf("key %d, value %d", n, native.Uint64(v))
		}
		seen[n] = true
	}
	if err != nil || len(seen) != 50 {
		t.Errorf("%d of 50, %v", len(seen), err)
	}
	m.Close()
	for range m.All(&err) {
		t.Error("a closed map has entries")
	}
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("walk over a closed map: %v", err)
	}
}

// TestAllOfMany walks over maps of 2^31 and more entries, whose bound does not fit 32 bits.
func TestAllOfMany(t *testing.T) {
	testenv.NeedKernel(t, "5.11", "tries of 2^31 entries")
	for _, entries := range []uint32{1 << 31, 1<<32 - 1} {
		m := loadT(t, collection(nil, &spec.Map{
			Name: "trie", Type: spec.MapLPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: entries, Flags: spec.FlagNoPrealloc,
		}), Options{}).Map("trie")
		for i := range byte(5) {
			if err := m.Update(append(key(32), 10, 0, 0, i), key(1), UpdateAny); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		seen := 0
		for range m.All(&err) {
			seen++
		}
		if seen != 5 || err != nil {
			t.Errorf("%d entries: %d of 5, %v", entries, seen, err)
		}
	}
}

// TestAllAborted makes a walk begin again at each step: what it has seen goes, another key comes.
func TestAllAborted(t *testing.T) {
	m := hash(t)
	for i := range uint32(10) {
		if err := m.Update(key(i), value(0), UpdateAny); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	next := uint32(10)
	for k := range m.All(&err) {
		if err := errors.Join(m.Delete(k), m.Update(key(next), value(0), UpdateNew)); err != nil {
			t.Fatal(err)
		}
		next++
	}
	if want := 10 + 2*100 + 1; !errors.Is(err, ErrIterationAborted) || next != uint32(want) {
		t.Errorf("%d rounds, %v", next-10, err)
	}
}

// TestSetMap puts maps into maps of maps whose keys have other than 4 bytes.
func TestSetMap(t *testing.T) {
	inner := &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	one := *inner
	one.Name = "one"
	c := loadT(t, collection(nil, &one,
		&spec.Map{Name: "long", Type: spec.MapHashOfMaps, KeySize: 12, ValueSize: 4, MaxEntries: 2, Inner: inner},
		&spec.Map{Name: "array", Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner},
	), Options{})
	info, err := c.Map("one").Info()
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string][]byte{"long": []byte("twelve bytes"), "array": key(1)} {
		if err := c.Map(name).SetMap(k, c.Map("one")); err != nil {
			t.Error(err)
		}
		id := make([]byte, 4)
		if err := c.Map(name).Lookup(k, id); err != nil || native.Uint32(id) != info.ID {
			t.Errorf("%s: map %d, %v, want %d", name, native.Uint32(id), err, info.ID)
		}
	}
	if err := c.Map("long").SetMap(key(1), c.Map("one")); err == nil || !strings.HasSuffix(err.Error(), "the key has 4 bytes, not 12") {
		t.Errorf("a short key: %v", err)
	}
}

func TestQueue(t *testing.T) {
	m := loadT(t, collection(nil, &spec.Map{Name: "q", Type: spec.MapQueue, ValueSize: 8, MaxEntries: 4}), Options{}).Map("q")
	for i := range uint64(2) {
		if err := m.Update(nil, value(i+1), UpdateAny); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 8)
	for i := range uint64(2) {
		if err := m.LookupDelete(nil, buf); err != nil || native.Uint64(buf) != i+1 {
			t.Errorf("got %d, %v", native.Uint64(buf), err)
		}
	}
	if err := m.LookupDelete(nil, buf); err != ErrNoKey {
		t.Errorf("empty queue: %v", err)
	}
}

func TestAccessAllocatesNothing(t *testing.T) {
	m := hash(t)
	k, v, missing := key(1), value(2), key(9)
	if err := m.Update(k, v, UpdateAny); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"lookup":  func() { m.Lookup(k, v) },
		"missing": func() { m.Lookup(missing, v) },
		"update":  func() { m.Update(k, v, UpdateAny) },
		"next":    func() { m.NextKey(nil, missing[:4]) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestFreeze(t *testing.T) {
	m := hash(t)
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := m.Update(key(1), value(1), UpdateAny); !errors.Is(err, ErrPermission) {
		t.Errorf("update of a frozen map: %v", err)
	} else if want := `update map "h": it is frozen, or its flags forbid that to user space: operation not permitted (EPERM)`; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// TestMapErrors holds that what the kernel says of a map is told in words, with its sentinel.
func TestMapErrors(t *testing.T) {
	c := loadT(t, collection(nil,
		&spec.Map{Name: "full", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		&spec.Map{Name: "trie", Type: spec.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1, Flags: 1},
		&spec.Map{Name: "array", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 2},
		&spec.Map{Name: "events", Type: spec.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
	), Options{})
	full, trie := c.Map("full"), c.Map("trie")
	prefix := func(n uint32) []byte { return append(key(32), key(n)...) }
	if err := errors.Join(full.Update(key(1), value(1), UpdateAny), trie.Update(prefix(1), value(1), UpdateAny)); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"hash": {full.Update(key(2), value(1), UpdateAny), sys.E2BIG, `update map "full": it holds 1 entries at most: too large (E2BIG)`},
		"trie": {trie.Update(prefix(2), value(1), UpdateAny), sys.ENOSPC, `update map "trie": it holds 1 entries at most: no space left on device (ENOSPC)`},
		"index": {c.Map("array").Update(key(2), value(1), UpdateAny), sys.E2BIG,
			`update map "array": it holds 2 entries at most: too large (E2BIG)`},
		"no such operation": {c.Map("events").Lookup(key(0), key(0)), ErrNotSupported, `look up in map "events": not supported by the kernel (ENOTSUPP)`},
	} {
		if !errors.Is(x.err, x.is) || x.err.Error() != x.text {
			t.Errorf("%s: %v, want %s", name, x.err, x.text)
		}
	}
}

// TestConcurrentUse reads, writes and walks a map from several goroutines while others close it: each
// call works, or says that the map is closed.
func TestConcurrentUse(t *testing.T) {
	for range 20 {
		m := hash(t)
		for i := range uint32(8) {
			if err := m.Update(key(i), value(uint64(i)), UpdateAny); err != nil {
				t.Fatal(err)
			}
		}
		var g sync.WaitGroup
		use := func(f func(i uint32) error) {
			g.Go(func() {
				for i := range uint32(200) {
					if err := f(i % 8); errors.Is(err, os.ErrClosed) {
						return
					} else if err != nil && err != ErrNoKey && !errors.Is(err, ErrIterationAborted) {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 2 {
			use(func(i uint32) error { return m.Lookup(key(i), make([]byte, 8)) })
			use(func(i uint32) error { return m.Update(key(i), value(1), UpdateAny) })
			use(func(i uint32) error { return m.Delete(key(i)) })
			use(func(i uint32) error {
				err := m.LookupDelete(key(i), make([]byte, 8))
				if errors.Is(err, ErrNotSupported) {
					return nil // hash maps have it since 5.14
				}
				return err
			})
			use(func(uint32) error { return m.NextKey(nil, make([]byte, 4)) })
			use(func(uint32) error {
				var err error
				for range m.All(&err) {
				}
				return err
			})
			use(func(uint32) error { _, err := m.Info(); return err })
			g.Go(func() {
				time.Sleep(time.Millisecond)
				m.Close()
			})
		}
		g.Wait()
		if err := m.Lookup(key(1), make([]byte, 8)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
