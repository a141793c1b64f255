package guest

import (
	"bytes"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestLiveMaps(t *testing.T) {
	x := running(t)
	m := x.ok(t, "map_open", x.MapOpen([]byte("blocked")))
	key, value := []byte{1, 0, 0, 0}, []byte{1, 2, 3, 4, 5, 6, 7, 8}
	errnoIn(t, "get what is not there", x.MapGet(m, key, make([]byte, 8)), abi.ErrNoent)
	errnoIn(t, "first key of an empty map", x.MapNext(m, nil, make([]byte, 4)), abi.ErrNoent)
	x.ok(t, "map_put", x.MapPut(m, key, value, 0))
	got := make([]byte, 8)
	if n := x.MapGet(m, key, got); n != 8 || !bytes.Equal(got, value) {
		t.Errorf("map_get = %d, %x", n, got)
	}
	short := make([]byte, 4)
	if n := x.MapGet(m, key, short); n != 8 || !bytes.Equal(short, make([]byte, 4)) {
		t.Errorf("map_get into 4 bytes = %d, %x; want 8 and nothing written", n, short)
	}
	x.ok(t, "map_put", x.MapPut(m, []byte{2, 0, 0, 0}, value, 0))
	next := append([]byte(nil), key...)
	if n := x.MapNext(m, next, next); n != 4 || next[0] != 2 {
		t.Errorf("map_next in one buffer = %d, %x", n, next)
	}
	errnoIn(t, "after the last key", x.MapNext(m, next, next), abi.ErrNoent)
	errnoIn(t, "put only if it exists", x.MapPut(m, []byte{9, 0, 0, 0}, value, 2), abi.ErrNoent)
	x.ok(t, "map_del", x.MapDel(m, key))
	errnoIn(t, "delete again", x.MapDel(m, key), abi.ErrNoent)
	for name, rc := range map[string]int32{
		"short key":      x.MapGet(m, key[:3], got),
		"no key":         x.MapGet(m, nil, got),
		"short value":    x.MapPut(m, key, value[:7], 0),
		"unknown flags":  x.MapPut(m, key, value, 3),
		"delete nothing": x.MapDel(m, nil),
		"next of short":  x.MapNext(m, key[:1], next),
	} {
		errnoIn(t, name, rc, abi.ErrInval)
	}
}

func TestLiveMapsOpen(t *testing.T) {
	x := running(t)
	errnoIn(t, "no such map", x.MapOpen([]byte("nope")), abi.ErrNoent)
	errnoIn(t, "no name", x.MapOpen(nil), abi.ErrNoent)
	errnoIn(t, "in two objects", x.MapOpen([]byte("same")), abi.ErrInval)
	if want := `several objects have a map "same"; say other/same or drops/same`; x.last.err.Error() != want {
		t.Errorf("error %q, want %q", x.last.err, want)
	}
	a, b := x.ok(t, "map_open", x.MapOpen([]byte("other/same"))), x.ok(t, "map_open", x.MapOpen([]byte("drops/same")))
	if a == b {
		t.Error("two maps have one handle")
	}
	errnoIn(t, "entries that are programs", x.MapOpen([]byte("tails")), abi.ErrNosup)
	errnoIn(t, "ring buffer", x.MapOpen([]byte("events")), abi.ErrNosup)
	x.rights.policy = denying(t, "maps: {runtime_rw: [counts]}")
	errnoIn(t, "not granted", x.MapOpen([]byte("blocked")), abi.ErrPerm)
	x.ok(t, "granted", x.MapOpen([]byte("counts")))
}

func TestLiveMapsProperties(t *testing.T) {
	x := running(t)
	m := x.ok(t, "map_open", x.MapOpen([]byte("counts")))
	for id, want := range map[abi.Prop]uint64{
		abi.PropLiveMapType: uint64(spec.MapPerCPUArray), abi.PropLiveMapKeySize: 4, abi.PropLiveMapValueSize: 8,
		abi.PropLiveMapMaxEntries: 2, abi.PropLiveMapCPUs: 4, abi.PropLiveMapValueLen: 32,
	} {
		if v, rc := x.GetU(m, id); rc != 0 || v != want {
			t.Errorf("%s = %d, %d; want %d", id, v, rc, want)
		}
	}
	name := make([]byte, 8)
	if n := x.GetB(m, abi.PropLiveMapName, name); n != 6 || string(name[:6]) != "counts" {
		t.Errorf("name = %d, %q", n, name)
	}
	errnoIn(t, "write", x.SetU(m, abi.PropLiveMapKeySize, 8), abi.ErrPerm)
}
