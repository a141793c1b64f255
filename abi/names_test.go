package abi

import (
	"errors"
	"fmt"
	"testing"
)

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		ErrNoent.String():                 "NOENT",
		ErrNoent.Error():                  "NOENT: there is no such thing",
		Errno(99).Error():                 "unknown error",
		KindProgram.String():              "program",
		Kind(30).String():                 "unknown",
		PropMapMaxEntries.String():        "map_max_entries",
		Prop(0xffff).String():             "unknown property",
		(PhasePlan | PhaseRun).String():   "plan|run",
		Phase(0).String():                 "none",
		AttachXDP.String():                "xdp",
		AttachKind(77).String():           "unknown",
		Current.String():                  "1.0",
		fmt.Sprint(Version(0x2_0003)):     "2.3",
		fmt.Sprint(anywhere):              "any",
		fmt.Sprint(Handle32, OutU64):      "handle out_u64",
		fmt.Sprint(NameBytes, PlainBytes): "name bytes",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := fmt.Errorf("open map: %w", ErrPerm); !errors.Is(err, ErrPerm) || errors.Is(err, ErrKind) {
		t.Errorf("%v is not the error that it wraps", err)
	}
}

func TestAccepts(t *testing.T) {
	host := Version(1<<16 | 3)
	for guest, want := range map[Version]bool{1 << 16: true, 1<<16 | 3: true, 1<<16 | 4: false, 2 << 16: false, 3: false} {
		if got := host.Accepts(guest); got != want {
			t.Errorf("host %s, guest %s: %v", host, guest, got)
		}
	}
}

func TestHasFeature(t *testing.T) {
	for id, want := range map[uint32]bool{
		uint32(PropProgramFlags):          true,
		0x3ff:                             false,
		FeatureAttach + uint32(AttachTCX): true,
		FeatureAttach + 7:                 false,
		FeatureSource + ringbufMap:        true,
		FeatureSource + 4:                 false,
		1<<32 - 1:                         false,
	} {
		if got := HasFeature(id); got != want {
			t.Errorf("feature %#x: %v, want %v", id, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	if h := Hash(); len(h) != 64 || !isHex([]byte(h)) {
		t.Errorf("Hash() = %q", h)
	}
}

func TestLookupValue(t *testing.T) {
	if v, ok := LookupValue("map_type", 27); !ok || v.Name != "ringbuf" {
		t.Errorf("map type 27 is %q, %v", v.Name, ok)
	}
	if _, ok := LookupValue("map_type", 999); ok {
		t.Error("found map type 999")
	}
	if _, ok := LookupValue("no_such", 0); ok {
		t.Error("found a value of no_such")
	}
}
