package sdk

import "testing"

func TestFound(t *testing.T) {
	tests := []struct {
		n    int32
		room int
		ok   bool
		code Errno
	}{
		{8, 8, true, 0}, {4, 8, true, 0}, {0, 0, true, 0},
		{-int32(ErrNoent), 8, false, 0},
		{9, 8, false, ErrRange},
		{-int32(ErrPerm), 8, false, ErrPerm},
	}
	for _, tt := range tests {
		ok, err := found(tt.n, tt.room, "map_get")
		if ok != tt.ok || CodeOf(err) != tt.code {
			t.Errorf("found(%d, %d) = %v, %v", tt.n, tt.room, ok, err)
		}
	}
}
