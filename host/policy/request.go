package policy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// Requests are what a plugin asks to be allowed to do. It gets no more than that, whatever a
// policy grants.
type Requests struct {
	lists map[string]list // by key, see requestKey
	texts []string
}

// ParseRequests reads requests, one per text:
//
//	program TYPE         helper NAME      attach KIND:TARGET   object edit   pin-read PATH
//	map TYPE             kfunc NAME       map-rw NAME          sleepable     pin-write PATH
//	modify_return        ksym NAME        pin-share NAME
//
// What stands in capitals is a pattern (see the package comment), except KIND, which is the name of
// a kind of hook or * for any; "attach *" is any target of any kind. The error names the text that is not a request.
func ParseRequests(texts []string) (*Requests, error) {
	r := &Requests{lists: map[string]list{}, texts: append([]string(nil), texts...)}
	for _, t := range texts {
		if err := r.add(t); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Texts returns the requests as the plugin wrote them.
func (r *Requests) Texts() []string { return append([]string(nil), r.texts...) }

// requestWords are the first words of requests that take a pattern.
var requestWords = map[string]Kind{
	"program": KindProgram, "map": KindMap, "helper": KindHelper, "kfunc": KindKfunc, "ksym": KindKsym, "attach": KindAttach,
	"map-rw": KindMapRW, "pin-read": KindPinRead, "pin-write": KindPinWrite, "pin-share": KindPinShare,
}

func (r *Requests) add(text string) error {
	bad := func(reason string) error { return fmt.Errorf("read request %q: %s", text, reason) }
	word, arg, _ := strings.Cut(text, " ")
	key, pat := word, arg
	switch kind, ok := requestWords[word]; {
	case text == "object edit":
		key, pat = KindObjectEdit.String(), "*"
	case text == RightSleepable || text == RightModifyReturn:
		key, pat = KindRight.String(), text
	case !ok:
		return bad("it starts with no known word" + nearWord(word) + " (program, map, helper, kfunc, ksym, attach, map-rw, object edit, sleepable, modify_return, pin-read, pin-write, pin-share)")
	case arg == "":
		return bad("a name or pattern is missing")
	case kind == KindAttach:
		return r.addAttach(arg, bad)
	}
	if err := checkPattern(pat); err != nil {
		return bad(err.Error())
	}
	if why := unknownName(key, pat); why != "" && !isNewName(key) {
		return bad(why)
	}
	r.grant(key, pat)
	return nil
}

// nearWord asks whether a word near an unknown one is meant.
func nearWord(word string) string {
	if best := nearest.Name(word, slices.Sorted(maps.Keys(requestWords))); best != "" {
		return ", did you mean " + best + "?"
	}
	return ""
}

// asksFor reports whether the plugin requested it; a nil receiver requested nothing.
func (r *Requests) asksFor(a Access) bool { return r != nil && r.matches(a) }

// addAttach reads KIND:TARGET, where * is any kind, and * alone any target of any.
func (r *Requests) addAttach(arg string, bad func(string) error) error {
	family, pat, ok := strings.Cut(arg, ":")
	if arg == "*" {
		pat, ok = "*", true
	}
	switch _, known := spec.ParseHookKind(family); {
	case !ok || pat == "" || family == "":
		return bad("want attach KIND:TARGET, e.g. attach xdp:* or attach *:veth0")
	case !known && family != "*":
		return bad("there is no kind of hook " + printable(family) + nearest.Hint(family, hookNames()))
	}
	if err := checkPattern(pat); err != nil {
		return bad(err.Error())
	}
	for _, f := range spec.HookFamilies() {
		if family == "*" || family == f.Name {
			r.grant(attachKey(f.Name), pat)
		}
	}
	return nil
}

// hookNames lists the kinds of hooks.
func hookNames() []string {
	var names []string
	for _, f := range spec.HookFamilies() {
		names = append(names, f.Name)
	}
	return names
}

// grant adds a pattern to the list of a key.
func (r *Requests) grant(key, pat string) {
	l := r.lists[key]
	l.items = append(l.items, pattern{text: pat})
	r.lists[key] = l
}

// attachKey is the key of the list for one kind of hook.
func attachKey(family string) string { return "attach " + family }

// checkPattern refuses what cannot be part of a list.
func checkPattern(text string) error {
	switch {
	case text == "":
		return fmt.Errorf("pattern is empty")
	case len(text) > maxPattern:
		return fmt.Errorf("pattern has %d bytes, the limit is %d", len(text), maxPattern)
	case text != strings.TrimSpace(text) || printable(text) != text:
		return fmt.Errorf("pattern has spaces around it or characters that cannot be shown")
	}
	return nil
}

// matches reports whether the plugin requested it, and true for what need not be asked for. A nil
// receiver matches everything.
func (r *Requests) matches(a Access) bool {
	if r == nil {
		return true
	}
	key, asked := a.requestKey()
	if !asked {
		return true
	}
	_, ok := r.lists[key].decide(a.spellings(), a.danger() != "")
	return ok
}

// names reports whether the plugin requested it by name, without a wildcard. A nil receiver requested
// everything.
func (r *Requests) names(a Access) bool {
	if r == nil {
		return true
	}
	key, _ := a.requestKey()
	_, ok := r.lists[key].decide(a.spellings(), true)
	return ok
}

// requestKey returns the list of requests that an access must be in; false for what need not be asked
// for.
func (a Access) requestKey() (key string, asked bool) {
	switch a.Kind {
	case KindProgram, KindHelper, KindKfunc, KindKsym, KindMap, KindMapRW, KindObjectEdit, KindPinRead, KindPinWrite, KindPinShare:
		return a.Kind.String(), true
	case KindAttach:
		family, _, _ := strings.Cut(a.Name, ":")
		return attachKey(family), true
	case KindRight: // the others come with the program type, which is asked for
		return a.Kind.String(), a.Name == RightSleepable || a.Name == RightModifyReturn
	}
	return "", false
}

// names are the spellings of an access that patterns are matched with. A kernel name may carry a
// flavor that the loader leaves out where the kernel has no such name, so what comes before it
// counts.
func (a Access) names() []string {
	switch a.Kind {
	case KindHelper:
		if short, ok := strings.CutPrefix(a.Name, "bpf_"); ok {
			return []string{a.Name, short}
		}
	case KindPinRead, KindPinWrite: // who writes requests or policies need not know the owner
		return []string{path.Base(a.Name), a.Name}
	case KindKfunc, KindKsym:
		return []string{btf.Essential(a.Name)}
	case KindAttach:
		family, target, _ := strings.Cut(a.Name, ":")
		if functionFamilies[family] {
			target = btf.Essential(target)
		}
		return []string{target}
	}
	return []string{a.Name}
}

// functionFamilies are the families of hooks whose targets are kernel functions and the like.
var functionFamilies = map[string]bool{spec.HookTracing.String(): true, spec.HookKprobe.String(): true}

// spellings are the names that rules are matched with: those that take away see the name as it is
// written too, and a function without its module.
func (a Access) spellings() spellings {
	written := a.Name
	family, target, _ := strings.Cut(a.Name, ":")
	if a.Kind == KindAttach {
		written = target
	}
	s := spellings{granted: a.names(), exact: append(a.names(), written)}
	s.denied = s.exact
	if a.Kind == KindAttach && functionFamilies[family] {
		if _, function, ok := strings.Cut(target, ":"); ok {
			s.denied = append(s.denied, function, btf.Essential(function))
		}
	}
	return s
}
