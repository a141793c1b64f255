package spec

import (
	"slices"
	"strconv"
)

// Names of what programs return (enum xdp_action and TC_ACT_…, include/uapi/linux).
var (
	xdpActions = []string{"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"}
	tcActions  = []string{"TC_ACT_UNSPEC", "TC_ACT_OK", "TC_ACT_RECLASSIFY", "TC_ACT_SHOT", "TC_ACT_PIPE", "TC_ACT_STOLEN", "TC_ACT_QUEUED", "TC_ACT_REPEAT", "TC_ACT_REDIRECT", "TC_ACT_TRAP"}
)

// Actions returns the names of what programs of a type return, in the order of their values, and the
// value of the first; none if the values have no names.
func (t ProgramType) Actions() (names []string, first int32) {
	switch t {
	case ProgramXDP:
		return slices.Clone(xdpActions), 0
	case ProgramSchedCls, ProgramSchedAct:
		return slices.Clone(tcActions), -1
	}
	return nil, 0
}

// ActionText returns the name of what a program of a type returned, "XDP_DROP", or the number.
func (t ProgramType) ActionText(value int32) string {
	names, first := t.Actions()
	if i := int64(value) - int64(first); i >= 0 && i < int64(len(names)) {
		return names[i]
	}
	return strconv.FormatInt(int64(value), 10)
}
