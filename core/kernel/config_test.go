package kernel

import (
	"maps"
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	got, err := parseConfig(strings.NewReader("#\n# CONFIG_X is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_NAME=\"a=b\"\nOTHER=1\n"))
	want := map[string]string{"CONFIG_BPF": "y", "CONFIG_HZ": "250", "CONFIG_NAME": `"a=b"`}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}
