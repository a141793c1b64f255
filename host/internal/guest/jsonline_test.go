package guest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

func TestAppendJSONLine(t *testing.T) {
	text := func(s string) string { return `{"schema":"bpfhost.text/v1","plugin":"p","text":` + s + `}` }
	for _, c := range []struct{ line, want string }{
		{`{"a":1, "schema":"mine/v1"}`, `{"a":1, "schema":"mine/v1"}`},
		{`{"text":"bpfhost.account/v1 \n","in":{"schema":"bpfhost.x"}}`, `{"text":"bpfhost.account/v1 \n","in":{"schema":"bpfhost.x"}}`},
		{"{\"a\":\"\u202e\"}", `{"a":"\u202e"}`},
		{`plain`, text(`"plain"`)},
		{``, text(`""`)},
		{`5`, text(`"5"`)},
		{`[{"schema":"bpfhost.account/v1"}]`, text(`"[{\"schema\":\"bpfhost.account/v1\"}]"`)},
		{`{"a":1} {"b":2}`, text(`"{\"a\":1} {\"b\":2}"`)},
		{`{"a":`, text(`"{\"a\":"`)},
		{"{\r\"a\":1}", text(`"{\r\"a\":1}"`)},
		{"{\"a\":\"\x9b\"}", text(`"{\"a\":\"\ufffd\"}"`)},
		{"\x1b[2J\u202e", text(`"\u001b[2J\u202e"`)},
		{`{"schema":"bpfhost.account/v1","sent":0}`, text(`"{\"schema\":\"bpfhost.account/v1\",\"sent\":0}"`)},
		{`{"a":1,"Schema":"bpfhost.account/v1"}`, text(`"{\"a\":1,\"Schema\":\"bpfhost.account/v1\"}"`)},
		{`{"sch\u0065ma":"bpfhost\u002eaccount/v1"}`, text(`"{\"sch\\u0065ma\":\"bpfhost\\u002eaccount/v1\"}"`)},
		{`{"schema":"mine","schema":"bpfhost.plan/v1"}`, text(`"{\"schema\":\"mine\",\"schema\":\"bpfhost.plan/v1\"}"`)},
	} {
		if got := string(appendJSONLine(nil, "p", []byte(c.line))); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

// FuzzJSONLine holds that every line is an object, of the host's schema only if the host made it.
func FuzzJSONLine(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "text \x1b", `{"schema":"bpfhost.plan/v1"}`, `{"\u0073chema":"bpfhost.x"}`, "{\"a\":\"\xff\"}", `{"a":{"b":[1,{}]}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		out := appendJSONLine(nil, "p", []byte(line))
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q is written as %q: %v", line, out, err)
		}
		for k, v := range got {
			if s, ok := v.(string); ok && strings.EqualFold(k, "schema") && strings.HasPrefix(s, "bpfhost.") && s != textSchema {
				t.Errorf("%q passes as %s", line, s)
			}
		}
	})
}

func TestOutputJSONLines(t *testing.T) {
	x, stdout, stderr, _ := talker(t, testLimits)
	x.out.json = true
	x.ok(t, "out_write", x.OutWrite(abi.StreamOut, []byte("{\"n\":1}\nhello\n")))
	x.ok(t, "diagnostics", x.OutWrite(abi.StreamErr, []byte("{\"n\":2}\n")))
	if err := x.out.finish(); err != nil {
		t.Fatal(err)
	}
	if got, want := stdout.String(), "{\"n\":1}\n{\"schema\":\"bpfhost.text/v1\",\"plugin\":\"talker\",\"text\":\"hello\"}\n"; got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
	if got, want := stderr.String(), "talker: {\"n\":2}\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}
