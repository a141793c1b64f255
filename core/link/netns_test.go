package link

import (
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestNetns(t *testing.T) {
	n := newNet(t)
	c := load(t, counting(spec.Program{Type: spec.ProgramSkLookup, AttachType: spec.AttachTypeSkLookup}, false, 1))
	l, err := Attach(c.Program("count"), spec.Attach{Kind: spec.HookNetns, Target: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	send(t, n, 4)
	counts(t, c, 4)
	checkInfo(t, l, c.Program("count"))
	if i, err := l.Info(); err != nil || i.Netns == 0 || i.AttachType != spec.AttachTypeSkLookup {
		t.Errorf("info %+v, %v", i, err)
	}
	if _, err := Netns(c.Program("count"), NetnsOptions{Path: os.DevNull}); err == nil || !strings.Contains(err.Error(), "not a network namespace") {
		t.Errorf("a file that is not a namespace: %v", err)
	}
}
