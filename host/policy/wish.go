package policy

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Wishes are what a plugin declares that it wants to do. It gets no more than that, whatever a
// policy grants.
type Wishes struct {
	lists map[string]list // by key, see wishKey
	texts []string
}

// ParseWishes reads wishes, one per text:
//
//	program TYPE         helper NAME      attach KIND:TARGET   object edit   pin-read PATH
//	map TYPE             kfunc NAME       map-rw NAME          sleepable     pin-write PATH
//	modify_return
//
// What stands in capitals is a pattern (see the package comment), except KIND, which is the name of a
// kind of hook. The error names the wish that is none.
func ParseWishes(texts []string) (*Wishes, error) {
	w := &Wishes{lists: map[string]list{}, texts: append([]string(nil), texts...)}
	for _, t := range texts {
		if err := w.add(t); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Texts returns the wishes as they were declared.
func (w *Wishes) Texts() []string { return append([]string(nil), w.texts...) }

// wishWords are the first words of wishes that take a pattern.
var wishWords = map[string]Kind{
	"program": KindProgram, "map": KindMap, "helper": KindHelper, "kfunc": KindKfunc, "attach": KindAttach,
	"map-rw": KindMapRW, "pin-read": KindPinRead, "pin-write": KindPinWrite,
}

func (w *Wishes) add(text string) error {
	bad := func(reason string) error { return fmt.Errorf("read wish %q: %s", text, reason) }
	word, arg, _ := strings.Cut(text, " ")
	key, pat := word, arg
	switch kind, ok := wishWords[word]; {
	case text == "object edit":
		key, pat = KindObjectEdit.String(), "*"
	case text == RightSleepable || text == RightModifyReturn:
		key, pat = KindRight.String(), text
	case !ok:
		return bad("it starts with no known word (program, map, helper, kfunc, attach, map-rw, object edit, sleepable, modify_return, pin-read, pin-write)")
	case arg == "":
		return bad("a name or pattern is missing")
	case kind == KindAttach:
		var family string
		family, pat, ok = strings.Cut(arg, ":")
		if _, known := spec.ParseAttachKind(family); !ok || !known || pat == "" {
			return bad("want attach KIND:TARGET, e.g. attach xdp:*")
		}
		key = attachKey(family)
	}
	if err := checkPattern(pat); err != nil {
		return bad(err.Error())
	}
	l := w.lists[key]
	l.items = append(l.items, pattern{text: pat})
	w.lists[key] = l
	return nil
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

// covers reports whether the plugin asked for it, and true for what need not be asked for. A nil
// receiver covers everything.
func (w *Wishes) covers(s Subject) bool {
	if w == nil {
		return true
	}
	key := s.Kind.String()
	switch s.Kind {
	case KindProgram, KindHelper, KindKfunc, KindMap, KindMapRW, KindObjectEdit, KindPinRead, KindPinWrite:
	case KindAttach:
		family, _, _ := strings.Cut(s.Name, ":")
		key = attachKey(family)
	case KindRight:
		if s.Name != RightSleepable && s.Name != RightModifyReturn {
			return true // comes with the program type, which is asked for
		}
	default:
		return true
	}
	_, ok := w.lists[key].decide(s.names(), s.danger() != "")
	return ok
}

// names are the spellings of a subject that patterns are matched with.
func (s Subject) names() []string {
	switch s.Kind {
	case KindHelper:
		if short, ok := strings.CutPrefix(s.Name, "bpf_"); ok {
			return []string{s.Name, short}
		}
	case KindAttach:
		_, target, _ := strings.Cut(s.Name, ":")
		return []string{target}
	}
	return []string{s.Name}
}
