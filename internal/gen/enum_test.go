package gen

import (
	"strings"
	"testing"
)

func TestParseEnumsBad(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"X = 1,", "line 1"},
		{"enum e {\n\tX,\n};", "has no number"},
		{"enum e {\n\tX = y,\n};", "number of X"},
		{"enum e {\n\tX = -1,\n};", "line 2"},
	} {
		_, err := parseEnums(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parseEnums(%q) = %v, want an error with %q", tt.text, err, tt.want)
		}
	}
}

func TestWriteBad(t *testing.T) {
	e := enum{prefix: "A_"}
	for _, tt := range []struct {
		values []value
		want   string
	}{
		{nil, "no constants"},
		{[]value{{"B_X", 0}}, "does not start with"},
		{[]value{{"A_X", 0}, {"A_Y", 2}}, "where 1 comes next"},
	} {
		err := e.write(nil, tt.values)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("write(%v) = %v, want an error with %q", tt.values, err, tt.want)
		}
	}
}

func TestCamel(t *testing.T) {
	for name, want := range map[string]string{
		"percpu_array":    "PerCPUArray",
		"xdp":             "XDP",
		"sched_cls":       "SchedCls",
		"get_netns":       "GetNetns",
		"map_lookup_elem": "MapLookupElem",
		"lirc_mode2":      "LircMode2",
	} {
		if got := camel(name); got != want {
			t.Errorf("camel(%q) = %q, want %q", name, got, want)
		}
	}
}
