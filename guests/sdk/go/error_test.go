package sdk

import (
	"errors"
	"fmt"
	"testing"
)

func TestError(t *testing.T) {
	err := error(&Error{Func: "insn_splice", Code: ErrRange, Insn: 4, Text: "no such place"})
	if got, want := err.Error(), "insn_splice: RANGE: no such place (instruction 4)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (&Error{Code: ErrNoent, Insn: -1}).Error(); got != "NOENT" {
		t.Errorf("got %q, want NOENT", got)
	}
	if !errors.Is(fmt.Errorf("patch: %w", err), ErrRange) {
		t.Error("the code is not found in a wrapped error")
	}
}

func TestCodeOf(t *testing.T) {
	for want, err := range map[Errno]error{
		0:           nil,
		ErrPerm:     ErrPerm,
		ErrExist:    fmt.Errorf("add map: %w", &Error{Code: ErrExist}),
		ErrInternal: errors.New("something else"),
	} {
		if got := CodeOf(err); got != want {
			t.Errorf("CodeOf(%v) = %v, want %v", err, got, want)
		}
	}
}

// TestNoHost: outside of a host nothing works and nothing panics.
func TestNoHost(t *testing.T) {
	errs := map[string]error{}
	_, errs["object"] = OpenObject("")
	_, errs["config"] = ConfigUint("n")
	_, errs["keys"] = ConfigKeys()
	_, errs["text"] = Program(1).Text()
	_, errs["insns"] = Program(1).Insns()
	_, errs["name"] = Map(1).Name()
	_, errs["map"] = LoadedMap(1).Get([]byte{1}, nil)
	_, errs["source"] = OpenSource("events", SourceOptions{LostMap: "lost"})
	_, errs["clock"] = Monotonic()
	_, errs["write"] = StreamOut.Write([]byte("x"))
	errs["set"] = Object(1).Set("cfg.rate", 1)
	errs["describe"] = Describe(About{Name: "x"})
	for name, err := range errs {
		if !errors.Is(err, ErrNosup) {
			t.Errorf("%s: %v, want %v", name, err, ErrNosup)
		}
	}
	if v, ok := Config("n"); ok || v != "" {
		t.Errorf("Config = %q, %v", v, ok)
	}
	if Has(uint32(PropMapType)) || LogEnabled(LogError) {
		t.Error("features without a host")
	}
}
