package policy

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// accessWords are the words of accesses that have a name.
var accessWords = []Kind{
	KindPlugin, KindModule, KindObjectEdit, KindObject, KindProgram, KindHelper, KindKfunc, KindKsym,
	KindAttach, KindNetns, KindMap, KindMapRW, KindPinRead, KindPinWrite, KindPinShare,
}

// accessNumbers are the words of accesses that have a number.
var accessNumbers = []Kind{KindPrograms, KindInsns, KindMaps, KindEntries, KindBytes, KindTotalBytes}

// ParseAccess reads an access as Access.String writes it, without its place: "helper bpf_redirect",
// "attach xdp:veth0", "object edit drops.o", "sleepable", "map-bytes 81 KiB". Names are taken as they
// are, not as patterns. The error says what is not known, and the nearest that is.
func ParseAccess(text string) (Access, error) {
	bad := func(format string, args ...any) (Access, error) {
		return Access{}, fmt.Errorf("read access %s: %s", printable(text), fmt.Sprintf(format, args...))
	}
	switch text {
	case RightSleepable, RightFreplace, RightSyscall, RightStructOps, RightModifyReturn:
		return Access{Kind: KindRight, Name: text}, nil
	}
	for _, kind := range accessNumbers {
		value, ok := strings.CutPrefix(text, kind.String()+" ")
		if !ok {
			continue
		}
		read := parseCount
		if kind == KindBytes || kind == KindTotalBytes {
			read = ParseSize
		}
		n, ok := read(value)
		if !ok {
			return bad("%s is not a whole number", printable(value))
		}
		return Access{Kind: kind, Value: n}, nil
	}
	for _, kind := range accessWords {
		name, ok := strings.CutPrefix(text, kind.String()+" ")
		switch {
		case !ok:
			continue
		case name == "":
			return bad("a name is missing")
		case kind == KindAttach:
			a, err := parseAttach(name)
			if err != nil {
				return bad("%v", err)
			}
			return a, nil
		case kind == KindHelper && !strings.HasPrefix(name, "#"):
			name = "bpf_" + strings.TrimPrefix(name, "bpf_")
		}
		if why := unknownName(kind.String(), name); why != "" && !isNewName(kind.String()) {
			return bad("%s", why)
		}
		return Access{Kind: kind, Name: name}, nil
	}
	word, _, _ := strings.Cut(text, " ")
	return bad("it starts with no known word%s", nearest.Hint(word, accessNames()))
}

// accessNames lists the first words of accesses.
func accessNames() []string {
	names := []string{RightSleepable, RightFreplace, RightSyscall, RightStructOps, RightModifyReturn}
	for _, k := range append(accessNumbers[:len(accessNumbers):len(accessNumbers)], accessWords...) {
		if k != KindObjectEdit {
			names = append(names, k.String())
		}
	}
	return names
}

// parseAttach reads KIND:TARGET. The target is resolved, as that of an attachment is.
func parseAttach(text string) (Access, error) {
	family, target, ok := strings.Cut(text, ":")
	kind, known := spec.ParseHookKind(family)
	switch {
	case !ok || target == "":
		return Access{}, fmt.Errorf("want attach KIND:TARGET, e.g. attach xdp:veth0")
	case !known || kind == spec.HookNone:
		return Access{}, fmt.Errorf("there is no kind of hook %s%s", printable(family), nearest.Hint(family, hookNames()))
	}
	implemented := target // struct_ops: what comes before the map
	if kind == spec.HookStructOps {
		if implemented, target, ok = strings.Cut(target, "/"); !ok {
			return Access{}, fmt.Errorf("want attach struct_ops:STRUCT/MAP, e.g. attach struct_ops:tcp_congestion_ops/my_cc")
		}
	}
	t, err := spec.ResolveTarget(&spec.Program{AttachTo: implemented}, spec.Attach{Kind: kind, Target: target})
	if err != nil {
		return Access{}, err
	}
	return Attach(t), nil
}
