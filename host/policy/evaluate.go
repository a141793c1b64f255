package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Evaluate decides every access, in order.
func (p *Policy) Evaluate(r *Requests, accesses []Access) []Decision {
	list := make([]Decision, len(accesses))
	for i, a := range accesses {
		list[i] = p.Decision(r, a)
	}
	return list
}

// Decision evaluates one access: it must be among the requests (nil is everything), allowed by
// the class and granted by a rule.
func (p *Policy) Decision(r *Requests, a Access) Decision {
	v := Decision{Access: a.String(), Policy: p.name, Source: a.Source, Kind: a.Kind, Reach: a.Reach()}
	if reason := a.impossible(); reason != "" {
		v.Rule, v.Reason = "deny "+a.Kind.String(), reason
		return v
	}
	if !r.matches(a) {
		v.Rule = Unrequested
		if a.danger() != "" {
			v.Reason = "no wildcard matches it, it must be requested by name"
		}
		return v
	}
	if p.unnamed(r, a) {
		v.Rule, v.Reason = Unrequested, "it "+v.Reach.Text()+", no wildcard matches it under this policy, it must be requested by name"
		return v
	}
	if reason, ok := p.class.grants(a); !ok {
		v.Rule, v.Line, v.Reason = "class "+p.class.String(), p.classAt, reason
	} else {
		p.grant(a, &v)
	}
	if p.builtIn {
		v.Line = 0 // nobody has that file open
	}
	return v
}

// impossible says why no rule can grant an access; empty means that the rules decide.
func (a Access) impossible() string {
	switch a.Kind {
	case KindNumeric:
		return "instructions must name what they use, not number it"
	case KindPinRead, KindPinWrite:
		switch {
		case a.Name == "":
			return "a pin needs an owner, and a map whose name has no dot or slash in it"
		case !path.IsAbs(a.Name) || path.Clean(a.Name) != a.Name:
			return "the path is not absolute and clean"
		}
	case KindNetns, KindAttach:
		target := a.names()[0]
		if target == "" {
			return "it has no target"
		}
		switch {
		case strings.Contains(target, "/") && path.Clean(target) != target, target == "..", strings.HasPrefix(target, "../"):
			return "the path is not clean (.., ., // or a slash at its end)"
		case a.isPath() && !path.IsAbs(target):
			return "the path is not absolute"
		}
	}
	return ""
}

// isPath reports whether the target of an attachment, or the place of one, is a path.
func (a Access) isPath() bool {
	family, _, _ := strings.Cut(a.Name, ":")
	return a.Kind == KindNetns || family == spec.HookCgroup.String() || family == spec.HookNetns.String()
}

// grant looks for the rule that grants or takes away.
func (p *Policy) grant(a Access, v *Decision) {
	switch a.Kind {
	case KindPlugin:
		p.identity("name", a, v)
	case KindModule:
		p.module(a, v)
	case KindObject, KindObjectEdit:
		p.object(a, v)
	case KindRight:
		p.right(a, v)
	case KindPrograms, KindInsns, KindMaps, KindEntries, KindBytes, KindTotalBytes:
		p.bound(a, v)
	default:
		p.list(a, v)
	}
}

// allow and deny settle a decision.
func (v *Decision) allow(rule string, line int) { v.Allowed, v.Rule, v.Line = true, rule, line }

func (v *Decision) deny(rule string, line int, format string, args ...any) {
	v.Rule, v.Line, v.Reason = rule, line, fmt.Sprintf(format, args...)
}

// identity compares what the plugin is with what the policy is for. Without the key it is for any.
func (p *Policy) identity(key string, a Access, v *Decision) {
	want, ok := p.plugin[key]
	switch {
	case !ok:
		v.allow("any "+a.Kind.String(), 0)
	case want.value == a.Name:
		v.allow("allow "+a.Kind.String()+" "+want.value, want.line)
	default:
		v.deny("allow "+a.Kind.String()+" "+want.value, want.line, "the policy is for %s %s", a.Kind, want.value)
	}
}

// module compares the digest of the module, and who signed it, with what the policy is for.
func (p *Policy) module(a Access, v *Decision) {
	p.identity("sha256", a, v)
	if !v.Allowed || p.signers == nil {
		return
	}
	signed := strings.Fields(a.Digest)
	for _, want := range p.signers {
		if slices.Contains(signed, want.value) {
			v.allow("allow signer "+want.value, want.line)
			return
		}
	}
	v.Allowed = false
	if len(signed) == 0 {
		v.deny("allow signer", p.signers[0].line, "the policy is for signed plugins, and this one is not signed")
		return
	}
	v.deny("allow signer", p.signers[0].line, "none of the policy's signers signed it, but %s", strings.Join(signed, ", "))
}

// object evaluates an input object, and that the plugin changed it. Operators name objects
// themselves, so without the key any is taken; changing one must be granted.
func (p *Policy) object(a Access, v *Decision) {
	if p.objects == nil && a.Kind == KindObject {
		v.allow("any object", 0)
		return
	}
	line, reason := p.listed, "objects does not list it"
	for _, o := range p.objects {
		switch {
		case !o.name.match(a.Name):
		case o.sha256.value != "" && o.sha256.value != a.Digest:
			line, reason = o.sha256.line, "its SHA-256 is "+a.Digest
		case a.Kind == KindObjectEdit && !o.edit.granted:
			line, reason = max(o.edit.line, o.name.line), "edit is not granted"
		default:
			v.allow("allow "+a.Kind.String()+" "+o.name.text, o.name.line)
			return
		}
	}
	if p.objects == nil {
		reason = "objects grants no edit"
	}
	v.deny("no rule for "+a.Kind.String(), line, "%s", reason)
}

// right evaluates a right that is a yes or no.
func (p *Policy) right(a Access, v *Decision) {
	r, ok := p.rights[a.Name]
	switch {
	case r.granted:
		v.allow("allow "+a.Name, r.line)
	case ok:
		v.deny("deny "+a.Name, r.line, "")
	default:
		v.deny("no rule for "+a.Name, 0, "programs.%s is not granted", a.Name)
	}
}

// bound evaluates a number.
func (p *Policy) bound(a Access, v *Decision) {
	n, ok := p.numbers[a.Kind]
	if !ok {
		n.max = ceilings[a.Kind]
	}
	limit := fmt.Sprint(n.max)
	if a.Kind == KindBytes || a.Kind == KindTotalBytes {
		limit = formatSize(n.max)
	}
	rule := "limit " + a.Kind.String() + " " + limit
	if a.Value <= n.max {
		v.allow(rule, n.line)
		return
	}
	v.deny(rule, n.line, "the limit is %s", limit)
}

// listKey is the key of the list that grants the access.
func (a Access) listKey() string {
	switch a.Kind {
	case KindAttach:
		family, _, _ := strings.Cut(a.Name, ":")
		return attachKey(family)
	case KindNetns:
		return attachKey(a.Kind.String())
	}
	return a.Kind.String()
}

// list evaluates a name by the patterns of its key.
func (p *Policy) list(a Access, v *Decision) {
	key, word := a.listKey(), a.Kind.String()
	if a.Kind == KindAttach {
		word = key + ":"
	}
	l, at := p.lists[key], listPaths[key]
	if at == "" {
		at = key // a kind of hook that is not known here
	}
	danger := a.danger()
	pat, found := l.decide(a.spellings(), danger != "")
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
