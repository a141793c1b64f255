package policy

import "strings"

// pattern is one entry of a list: a name in which * stands for any run of characters, also an empty
// one and also across slashes, and ? for one character. With ! in front it takes away.
type pattern struct {
	text   string // without !
	negate bool
	line   int
}

// maxPattern bounds a pattern, in bytes.
const maxPattern = 256

// exact reports whether the pattern stands for one name only.
func (p pattern) exact() bool { return !strings.ContainsAny(p.text, "*?") }

// match reports whether the name fits. It takes time in proportion to both lengths multiplied.
func (p pattern) match(name string) bool {
	text, i, j := p.text, 0, 0
	star, resume := -1, 0
	for j < len(name) {
		switch {
		case i < len(text) && text[i] == '*':
			star, resume = i, j
			i++
		case i < len(text) && (text[i] == '?' || text[i] == name[j]):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(text[i:], "*") == ""
}

// list is the patterns of one key.
type list struct {
	line  int // of the key; 0 is not there
	items []pattern
}

// spellings are the names that patterns are matched with.
type spellings struct {
	granted []string // of patterns that grant
	exact   []string // of those without a wildcard
	denied  []string // of patterns that take away
}

// decide finds the pattern that settles an access: any that takes away wins, otherwise the first that
// grants. What is dangerous is granted by exact patterns only.
func (l list) decide(s spellings, dangerous bool) (p pattern, found bool) {
	for _, it := range l.items {
		if it.negate && it.matchAny(s.denied) {
			return it, true
		}
	}
	for _, it := range l.items {
		if !it.negate && (it.exact() && it.matchAny(s.exact) || !dangerous && it.matchAny(s.granted)) {
			return it, true
		}
	}
	return pattern{}, false
}

func (p pattern) matchAny(names []string) bool {
	for _, n := range names {
		if p.match(n) {
			return true
		}
	}
	return false
}
