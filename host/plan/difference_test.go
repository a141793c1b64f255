package plan

import (
	"strings"
	"testing"
)

func TestFirstDifference(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ a, b, path, was, is string }{
		{`{"a":1}`, `{"a":2}`, "a", "1", "2"},
		{`{"a":{"b":[1,{"c":"x"}]}}`, `{"a":{"b":[1,{"c":"y"}]}}`, "a.b[1].c", `"x"`, `"y"`},
		{`{"a":[1]}`, `{"a":[1,2]}`, "a[1]", "", "2"},
		{`{"a":1,"b":2}`, `{"a":1}`, "b", "2", ""},
		{`{"a":1}`, `{"a":[1]}`, "a", "1", "[1]"},
		{`{"a":10000000000000000001}`, `{"a":10000000000000000002}`, "a", "10000000000000000001", "10000000000000000002"},
		{`{"a":""}`, `{}`, "a", `""`, ""},
		{`{"a": 1}`, `{"a":1}`, "document", `{"a":1}`, `{"a":1}`},
		{`["` + long + `"]`, `[]`, "[0]", `"` + long[:maxShown-1] + "…", ""},
	} {
		path, was, is := firstDifference([]byte(c.a), []byte(c.b))
		if path != c.path || was != c.was || is != c.is {
			t.Errorf("%s, %s: %s was %s, is %s", c.a, c.b, path, was, is)
		}
	}
}
