package sys

import (
	"bytes"
	"errors"
	"testing"
)

func TestMapElements(t *testing.T) {
	f := testMap(t)
	key, value := []byte{0, 0, 0, 0}, []byte("12345678")
	for _, fast := range []bool{false, true} {
		value[0]++
		if err := UpdateElem(f, key, value, 0, fast); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 8)
		if err := LookupElem(f, key, got, 0, fast); err != nil || !bytes.Equal(got, value) {
			t.Errorf("fast %v: %q, %v", fast, got, err)
		}
		if err := LookupElem(f, []byte{9, 9, 9, 9}, got, 0, fast); err != ENOENT {
			t.Errorf("fast %v: missing key: %v", fast, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { LookupElem(f, key, value, 0, true) }); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
	if err := Freeze(f); err != nil {
		t.Fatal(err)
	}
	if err := UpdateElem(f, key, value, 0, true); !errors.Is(err, EPERM) {
		t.Errorf("update of a frozen map: %v", err)
	}
}
