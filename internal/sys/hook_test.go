package sys

import (
	"strings"
	"testing"
)

func TestTrace(t *testing.T) {
	open := Trace()
	defer tracer.Store(nil)
	f := openNull(t)
	if got := open(); len(got) != 1 || !strings.Contains(got[0], "sys.openNull") {
		t.Errorf("open: %q", got)
	}
	f.Close()
	if got := open(); len(got) != 0 {
		t.Errorf("after close: %q", got)
	}
}

func TestInject(t *testing.T) {
	f := testMap(t)
	calls := 0
	Inject(func() Errno {
		calls++
		return EBUSY
	})
	defer Inject(nil)
	if _, err := InfoOfMap(f); err != EBUSY || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	Inject(nil)
	if _, err := InfoOfMap(f); err != nil {
		t.Error(err)
	}
}
