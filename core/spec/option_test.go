package spec

import (
	"strings"
	"testing"
)

func TestOption(t *testing.T) {
	for p, o := range programTypeOption {
		if !strings.HasPrefix(o, "CONFIG_") || p.Option() != o {
			t.Errorf("%v programs: %q", p, o)
		}
	}
	for m, o := range mapTypeOption {
		if !strings.HasPrefix(o, "CONFIG_") || m.Option() != o {
			t.Errorf("%v maps: %q", m, o)
		}
	}
	if ProgramLircMode2.Option() != "CONFIG_BPF_LIRC_MODE2" || ProgramXDP.Option() != "" || MapHash.Option() != "" {
		t.Error("the tables hold something else")
	}
}
