package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxShown bounds what a message shows of a path or a value of JSON, in bytes.
const maxShown = 120

// firstDifference returns where two documents of JSON differ, as a path, and what is there in each;
// nothing is empty. Documents that differ in their form alone differ as a whole.
func firstDifference(a, b []byte) (path, was, is string) {
	x, y := decode(a), decode(b)
	d := differ(x, y)
	if d == nil {
		return "document", shown(x), shown(y)
	}
	slices.Reverse(d.path)
	return short(strings.TrimPrefix(strings.Join(d.path, ""), ".")), shown(d.was), shown(d.is)
}

// decode reads JSON with its numbers as they are written.
func decode(doc []byte) any {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// difference is where two values differ. Its path goes up.
type difference struct {
	path    []string
	was, is any
}

// missing is what is not there.
type missing struct{}

// differ returns the first difference of two values, or nil.
func differ(a, b any) *difference {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return &difference{was: a, is: b}
		}
		keys := slices.AppendSeq(slices.Collect(maps.Keys(x)), maps.Keys(y))
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			if d := differ(member(x, k), member(y, k)); d != nil {
				return d.below("." + k)
			}
		}
		return nil
	case []any:
		y, ok := b.([]any)
		if !ok {
			return &difference{was: a, is: b}
		}
		for i := range max(len(x), len(y)) {
			if d := differ(element(x, i), element(y, i)); d != nil {
				return d.below(fmt.Sprintf("[%d]", i))
			}
		}
		return nil
	}
	switch b.(type) {
	case map[string]any, []any:
		return &difference{was: a, is: b}
	}
	if a == b {
		return nil
	}
	return &difference{was: a, is: b}
}

func (d *difference) below(step string) *difference {
	d.path = append(d.path, step)
	return d
}

func member(m map[string]any, k string) any {
	if v, ok := m[k]; ok {
		return v
	}
	return missing{}
}

func element(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return missing{}
}

// shown is a value in a message.
func shown(v any) string {
	if _, none := v.(missing); none {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil { // it was read from JSON: cannot happen
		return ""
	}
	return short(string(b))
}

func short(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}
