package policy

import (
	"fmt"
	"path"
	"strings"
)

// Judge judges every subject, in order.
func (p *Policy) Judge(w *Wishes, subjects []Subject) []Verdict {
	list := make([]Verdict, len(subjects))
	for i, s := range subjects {
		list[i] = p.Decide(w, s)
	}
	return list
}

// Decide judges one subject: it must be declared in the wishes (nil declares everything), allowed by
// the class and granted by a rule.
func (p *Policy) Decide(w *Wishes, s Subject) Verdict {
	v := Verdict{Subject: s.String(), Policy: p.name, Kind: s.Kind}
	if reason := s.impossible(); reason != "" {
		v.Rule, v.Reason = "deny "+s.Kind.String(), reason
		return v
	}
	if !w.covers(s) {
		v.Rule = Undeclared
		if s.danger() != "" {
			v.Reason = "no wildcard stands for it, it must be declared by name"
		}
		return v
	}
	if !p.class.admits(s) {
		v.Rule, v.Line, v.Reason = "class "+p.class.String(), p.classAt, "class "+p.class.String()+" does not admit it"
	} else {
		p.grant(s, &v)
	}
	if p.builtIn {
		v.Line = 0 // nobody has that file open
	}
	return v
}

// impossible says why no rule can grant a subject; empty means that the rules decide.
func (s Subject) impossible() string {
	switch s.Kind {
	case KindNumeric:
		return "instructions must name what they use, not number it"
	case KindPinRead, KindPinWrite:
		if !path.IsAbs(s.Name) || path.Clean(s.Name) != s.Name {
			return "the path is not absolute and clean"
		}
	case KindNetns, KindAttach:
		target := s.names()[0]
		if strings.Contains(target, "/") && path.Clean(target) != target || target == ".." {
			return "the path is not clean (.., ., // or a slash at its end)"
		}
	}
	return ""
}

// grant looks for the rule that grants or takes away.
func (p *Policy) grant(s Subject, v *Verdict) {
	switch s.Kind {
	case KindPlugin:
		p.identity("name", s, v)
	case KindModule:
		p.identity("sha256", s, v)
	case KindObject, KindObjectEdit:
		p.object(s, v)
	case KindRight:
		p.right(s, v)
	case KindPrograms, KindInsns, KindMaps, KindEntries, KindBytes, KindTotalBytes:
		p.bound(s, v)
	default:
		p.list(s, v)
	}
}

// allow and deny settle a verdict.
func (v *Verdict) allow(rule string, line int) { v.Allowed, v.Rule, v.Line = true, rule, line }

func (v *Verdict) deny(rule string, line int, format string, args ...any) {
	v.Rule, v.Line, v.Reason = rule, line, fmt.Sprintf(format, args...)
}

// identity compares what the plugin is with what the policy is for. Without the key it is for any.
func (p *Policy) identity(key string, s Subject, v *Verdict) {
	want, ok := p.plugin[key]
	switch {
	case !ok:
		v.allow("any "+s.Kind.String(), 0)
	case want.value == s.Name:
		v.allow("allow "+s.Kind.String()+" "+want.value, want.line)
	default:
		v.deny("allow "+s.Kind.String()+" "+want.value, want.line, "it is for %s", want.value)
	}
}

// object judges an input object, and that the plugin changed it. The operator gives objects himself,
// so without the key any is taken; changing one must be granted.
func (p *Policy) object(s Subject, v *Verdict) {
	if p.objects == nil && s.Kind == KindObject {
		v.allow("any object", 0)
		return
	}
	line, reason := p.listed, "objects does not list it"
	for _, o := range p.objects {
		switch {
		case !o.name.match(s.Name):
		case o.sha256.value != "" && o.sha256.value != s.Digest:
			line, reason = o.sha256.line, "its SHA-256 is "+s.Digest
		case s.Kind == KindObjectEdit && !o.edit.granted:
			line, reason = max(o.edit.line, o.name.line), "edit is not granted"
		default:
			v.allow("allow "+s.Kind.String()+" "+o.name.text, o.name.line)
			return
		}
	}
	if p.objects == nil {
		reason = "objects grants no edit"
	}
	v.deny("no rule for "+s.Kind.String(), line, "%s", reason)
}

// right judges a right that is a yes or no.
func (p *Policy) right(s Subject, v *Verdict) {
	r, ok := p.rights[s.Name]
	switch {
	case r.granted:
		v.allow("allow "+s.Name, r.line)
	case ok:
		v.deny("deny "+s.Name, r.line, "")
	default:
		v.deny("no rule for "+s.Name, 0, "programs.%s is not granted", s.Name)
	}
}

// bound judges a number.
func (p *Policy) bound(s Subject, v *Verdict) {
	n, ok := p.numbers[s.Kind]
	if !ok {
		n.max = ceilings[s.Kind]
	}
	limit := fmt.Sprint(n.max)
	if s.Kind == KindBytes || s.Kind == KindTotalBytes {
		limit = formatSize(n.max)
	}
	rule := "limit " + s.Kind.String() + " " + limit
	if s.Value <= n.max {
		v.allow(rule, n.line)
		return
	}
	v.deny(rule, n.line, "the limit is %s", limit)
}

// list judges a name by the patterns of its key.
func (p *Policy) list(s Subject, v *Verdict) {
	key, word := s.Kind.String(), s.Kind.String()
	if s.Kind == KindAttach {
		family, _, _ := strings.Cut(s.Name, ":")
		key, word = attachKey(family), "attach "+family+":"
	} else if s.Kind == KindNetns {
		key = attachKey(s.Kind.String())
	}
	l, at := p.lists[key], listPaths[key]
	if at == "" {
		at = key // a kind of hook that is not known here
	}
	danger := s.danger()
	pat, found := l.decide(s.names(), danger != "")
	if !strings.HasSuffix(word, ":") {
		word += " "
	}
	switch none := "no rule for " + strings.TrimRight(word, " :"); {
	case found && pat.negate:
		v.deny("deny "+word+pat.text, pat.line, "")
	case found:
		v.allow("allow "+word+pat.text, pat.line)
	case l.line == 0:
		v.deny(none, 0, "%s is not granted", at)
	case danger != "":
		v.deny(none, l.line, "it %s; only a policy that names it grants it", danger)
	default:
		v.deny(none, l.line, "%s does not list it", at)
	}
}
