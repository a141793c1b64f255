package sandbox

import (
	"regexp"
	"strings"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
)

// Bounds of what is shown of a guest's stack.
const (
	maxFrames    = 6
	maxFrameName = 60
)

// frameLine is a line of the runtime's stack trace: a name after that of the module, and types.
var frameLine = regexp.MustCompile(`^\t(.*)\([a-z0-9,]*\)(?: [a-z0-9]+| \([a-z0-9,]+\))?$`)

// stackOf returns the functions of the guest in a trace of the runtime, the innermost first, as far
// as the module's name section names them. modName is the module's name.
func stackOf(trace, modName string) []string {
	_, lines, ok := strings.Cut(trace, "wasm stack trace:\n")
	if !ok {
		return nil
	}
	var frames []string
	for line := range strings.Lines(lines) {
		m := frameLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		name, own := strings.CutPrefix(m[1], modName+".")
		if !own || strings.HasPrefix(name, "$") || m[1] == fuel.Module+"."+fuel.Refill {
			continue
		}
		if len(name) > maxFrameName {
			name = name[:maxFrameName] + "…"
		}
		if frames = append(frames, printable(name)); len(frames) == maxFrames {
			break
		}
	}
	return frames
}

// trapped describes a trap in one line, with the guest's functions.
func (g *Guest) trapped(err error) *Trap {
	t := &Trap{Export: g.export, Reason: firstLine(err), Trace: err.Error()}
	if g.pool != nil {
		t.Stack = stackOf(t.Trace, g.pool.code.Name())
	}
	if len(t.Stack) > 0 {
		t.Reason += ", in " + strings.Join(t.Stack, " < ")
	}
	return t
}
