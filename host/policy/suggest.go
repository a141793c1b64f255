package policy

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Suggestion is a policy for one plan.
type Suggestion struct {
	Text   string     // of the smallest policy that lets the plan through
	Denied []Decision // what no policy can grant, because the plugin does not request it or the host has limits of its own; with any, Text does not let the plan through
}

// Err returns the first of what no policy can grant as a *Error that says how many there are, or
// nil.
func (s Suggestion) Err() error { return Denied(s.Denied) }

// Suggest returns the smallest policy that grants accesses to a plugin with these requests (nil is
// everything): none of its lines can be left out. Comments say what needs each of them, and hold
// lines that narrow the policy to this module, its class and its numbers.
func Suggest(r *Requests, accesses []Access) Suggestion {
	w := suggestion{accesses: accesses}
	s := Suggestion{Text: w.text()}
	p, err := Parse("", []byte(s.Text))
	if err != nil { // a test reads thousands
		p = &Policy{}
	}
	for _, d := range p.Evaluate(r, accesses) {
		if !d.Allowed {
			s.Denied = append(s.Denied, d)
		}
	}
	return s
}

// suggestion writes a policy.
type suggestion struct {
	accesses []Access
	lines    []suggestedLine
}

// suggestedLine is a line of a policy. Its comment says what needs it.
type suggestedLine struct{ text, comment string }

// grants reports whether the line is one of the policy, and no comment.
func (l suggestedLine) grants() bool { return !strings.HasPrefix(strings.TrimSpace(l.text), "#") }

func (w *suggestion) add(text, comment string) {
	w.lines = append(w.lines, suggestedLine{text, comment})
}

// text writes the policy.
func (w *suggestion) text() string {
	w.head()
	w.objects()
	w.section("programs", w.lists("program", "helper", "kfunc", "ksym"), w.rights(), w.limits(KindPrograms, KindInsns))
	var families []string
	for _, f := range spec.HookFamilies() {
		families = append(families, attachKey(f.Name))
	}
	w.section("attach", w.lists(families...))
	w.section("maps", w.lists("map", "map-rw"), w.limits(KindMaps, KindEntries, KindBytes, KindTotalBytes))
	w.section("pins", w.lists("pin-read", "pin-write", "pin-share"))
	if !slices.ContainsFunc(w.lines, suggestedLine.grants) {
		w.lines = append(w.lines[:1], suggestedLine{"{}", ""})
	}
	return w.aligned()
}

// maxAligned is the column that comments are aligned in at most.
const maxAligned = 44

// aligned puts the lines together, with their comments below each other.
func (w *suggestion) aligned() string {
	var b strings.Builder
	column := 0
	for _, l := range w.lines {
		if l.comment != "" && len(l.text) <= maxAligned {
			column = max(column, len(l.text))
		}
	}
	for _, l := range w.lines {
		b.WriteString(l.text)
		if l.comment != "" {
			b.WriteString(strings.Repeat(" ", max(0, column-len(l.text))) + "  # " + l.comment)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// head says what the policy is, and what narrows it as a whole.
func (w *suggestion) head() {
	plugin, only := "the plugin", ""
	class, classified := ClassObserve, true
	for _, a := range w.accesses {
		switch a.Kind {
		case KindPlugin:
			plugin = "plugin " + printable(a.Name)
		case KindModule:
			only = "#plugin: {sha256: " + scalar(a.Name)
			if keys := strings.Fields(a.Digest); len(keys) > 0 {
				only += `, signers: ["` + strings.Join(keys, `", "`) + `"]`
			}
			only += "}"
		}
		c, known := classOf(a)
		class, classified = min(class, c), classified && known
	}
	w.add("# What "+plugin+" needs for this plan: without any of these lines it is refused.", "")
	w.add("# Lines that start with # narrow it further; take the # away to use them.", "")
	if only != "" {
		w.add(only, "this module only")
	}
	if classified {
		w.add("#class: "+class.String(), "the narrowest that has all of this")
	}
}

// objects lists the input objects if one of them is changed; otherwise all are taken.
func (w *suggestion) objects() {
	edited := map[string]bool{}
	for _, a := range w.accesses {
		if a.Kind == KindObjectEdit {
			edited[a.Name] = true
		}
	}
	if len(edited) == 0 {
		return
	}
	w.add("objects:", "")
	for _, a := range w.accesses {
		switch {
		case a.Kind == KindObject && !edited[a.Name]:
			w.add("  "+scalar(patternOf(a.Name))+": {}", "is not changed")
		case a.Kind == KindObjectEdit:
			w.add("  "+scalar(patternOf(a.Name))+":", "")
			w.add("    edit: true", "the plugin changes it")
			if a.Digest != "" {
				w.add("    #sha256: "+scalar(a.Digest), "")
			}
		}
	}
}

// section writes a section, unless it has but comments.
func (w *suggestion) section(name string, parts ...[]suggestedLine) {
	lines := slices.Concat(parts...)
	if !slices.ContainsFunc(lines, suggestedLine.grants) {
		return
	}
	w.add(name+":", "")
	w.lines = append(w.lines, lines...)
}

// lists returns the lines of lists that grant names.
func (w *suggestion) lists(keys ...string) []suggestedLine {
	var lines []suggestedLine
	for _, key := range keys {
		_, name, _ := strings.Cut(listPaths[key], ".")
		var items []suggestedLine
		for _, g := range w.grants(key) {
			items = append(items, suggestedLine{"    - " + scalar(g.pattern.text), g.comment()})
		}
		if items != nil {
			lines = append(append(lines, suggestedLine{"  " + name + ":", ""}), items...)
		}
	}
	return lines
}

// suggestedGrant is a pattern and what it is for.
type suggestedGrant struct {
	pattern pattern
	of      []Access
}

// comment says what needs the grant.
func (g suggestedGrant) comment() string {
	text := g.of[0].place()
	if len(g.of) > 1 && g.of[1].Kind == g.of[0].Kind {
		text += ", also as " + printable(g.of[1].Name)
	}
	if what := g.of[0].danger(); what != "" {
		text += "; it " + what
	} else if reach := g.of[0].Reach(); reach != "" {
		text += "; it " + reach.Text()
	}
	if !g.pattern.exact() {
		text += "; the name has characters that a pattern cannot have"
	}
	return text
}

// place says what the access is for: "drops.bpf.c:38, insn 31 of count_drops".
func (a Access) place() string {
	switch {
	case a.Where == "":
		return "while it plans"
	case a.Source != "":
		return printable(a.Source) + ", " + printable(a.Where)
	}
	return printable(a.Where)
}

// grants returns the patterns of a list, none of which can be left out.
func (w *suggestion) grants(key string) []suggestedGrant {
	var list []suggestedGrant
	for _, a := range w.accesses {
		if a.Kind >= KindPrograms || a.Kind == KindNumeric || a.listKey() != key {
			continue
		}
		text := patternOf(a.names()[0])
		i := slices.IndexFunc(list, func(g suggestedGrant) bool { return g.pattern.text == text })
		if i < 0 {
			list = append(list, suggestedGrant{pattern: pattern{text: text}})
			i = len(list) - 1
		}
		list[i].of = append(list[i].of, a)
	}
	return needed(list)
}

// needed leaves out what other grants grant too, which only happens where names have wildcards in
// them.
func needed(grants []suggestedGrant) []suggestedGrant {
	if !slices.ContainsFunc(grants, func(g suggestedGrant) bool { return !g.pattern.exact() }) {
		return grants
	}
	var all []Access
	for _, g := range grants {
		all = append(all, g.of...)
	}
	times := make([]int, len(all)) // by access: how many grant it
	granted := make([][]int, len(grants))
	for i, g := range grants {
		for j, a := range all {
			if _, ok := (list{items: []pattern{g.pattern}}).decide(a.spellings(), a.danger() != ""); ok {
				granted[i] = append(granted[i], j)
				times[j]++
			}
		}
	}
	var left []suggestedGrant
	for i, g := range grants {
		if !slices.ContainsFunc(granted[i], func(j int) bool { return times[j] == 1 }) {
			for _, j := range granted[i] {
				times[j]--
			}
			continue
		}
		left = append(left, g)
	}
	return left
}

// rights returns the lines that grant rights.
func (w *suggestion) rights() []suggestedLine {
	var lines []suggestedLine
	for _, a := range w.accesses {
		if a.Kind == KindRight {
			lines = append(lines, suggestedLine{"  " + a.Name + ": true", a.place()})
		}
	}
	return lines
}

// numberKeys are the keys of upper bounds.
var numberKeys = map[Kind]string{
	KindPrograms: "max", KindInsns: "max_insns", KindMaps: "max", KindEntries: "max_entries",
	KindBytes: "max_bytes_each", KindTotalBytes: "max_bytes_total",
}

// limits returns comments with the bounds that the plan fits in.
func (w *suggestion) limits(kinds ...Kind) []suggestedLine {
	var lines []suggestedLine
	for _, kind := range kinds {
		for _, a := range w.accesses {
			if a.Kind == kind {
				lines = append(lines, suggestedLine{"  #" + numberKeys[kind] + ": " + strconv.FormatUint(a.Value, 10), printable(a.Where)})
			}
		}
	}
	return lines
}

// patternOf returns the pattern of one name. What a pattern cannot have is ? in it.
func patternOf(name string) string {
	b := []byte(name)
	for i := range b {
		if !safeInPattern(name, i) {
			b[i] = '?'
		}
	}
	if len(b) > maxPattern {
		b = append(b[:maxPattern-1], '*')
	}
	if checkPattern(string(b)) != nil { // characters of several bytes
		for i := range b {
			if b[i] < ' ' || b[i] > '~' {
				b[i] = '?'
			}
		}
	}
	return string(b)
}

// safeInPattern reports whether a byte of a name may be in a pattern: not ! at the start, nor spaces
// at the ends, nor control characters.
func safeInPattern(name string, i int) bool {
	switch c := name[i]; {
	case c == '!':
		return i > 0
	case c == ' ':
		return i > 0 && i < len(name)-1
	default:
		return c > ' ' && c != 0x7f
	}
}

// scalar returns text as YAML has it, in quotes where they are needed.
func scalar(text string) string {
	b, err := yaml.Marshal(text)
	if err != nil || strings.Count(string(b), "\n") > 1 { // text without line feeds: cannot happen
		return strconv.Quote(text)
	}
	return strings.TrimSuffix(string(b), "\n")
}
