package sys

import (
	"errors"
	"testing"
)

func TestIDs(t *testing.T) {
	f := testMap(t)
	info, err := InfoOfMap(f)
	if err != nil {
		t.Fatal(err)
	}
	if info.ValueSize != 8 || cString(info.Name[:]) != "bpfhost_sys" {
		t.Errorf("info: %+v", info)
	}
	if id, err := NextID(Maps, info.ID-1); err != nil || id != info.ID {
		t.Errorf("next id: %d, %v, want %d", id, err, info.ID)
	}
	again, err := OpenID(Maps, info.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := OpenID(Maps, 1<<31-1); !errors.Is(err, ENOENT) {
		t.Errorf("unknown id: %v", err)
	}
}
