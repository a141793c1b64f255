package link

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Info is what the kernel says about a link. Fields that a family does not have are zero.
type Info struct {
	ID         uint32
	Type       spec.LinkType
	Program    uint32          // id of the attached program
	AttachType spec.AttachType // TCX, cgroup, tracing, netns; spec.AttachTypeNone for the others
	Interface  uint32          // XDP, TCX: index; 0 once the interface is gone
	Cgroup     uint64          // cgroup: its id
	Netns      uint32          // netns: its inode number
	Map        uint32          // struct_ops: id of the map
}

// extra is the union of struct bpf_link_info (include/uapi/linux/bpf.h).
type extra [48]byte

// word returns 32 bits of the union, counted in words.
func (e *extra) word(n int) uint32 { return binary.NativeEndian.Uint32(e[4*n:]) }

// info asks the kernel for what all links have, and for what this type has.
func (l *kernelLink) info() (Info, extra, error) {
	i, err := sys.InfoOfLink(l.fd)
	if err != nil {
		return Info{}, extra{}, fmt.Errorf("describe link to %s: %w", l.target, err)
	}
	return Info{ID: i.ID, Type: spec.LinkType(i.Type), Program: i.ProgID, AttachType: spec.AttachTypeNone}, i.Extra, nil
}
