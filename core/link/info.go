package link

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Info is what the kernel says about a link. Fields that a family does not have are zero.
type Info struct {
	ID         uint32
	Program    uint32          // id of the attached program
	AttachType spec.AttachType // TCX, cgroup, tracing, netns
	Interface  uint32          // XDP, TCX: index; 0 once the interface is gone
	Cgroup     uint64          // cgroup: its id
	Netns      uint32          // netns: its inode number
	Map        uint32          // struct_ops: id of the map
}

// Types of links (enum bpf_link_type, include/uapi/linux/bpf.h).
const (
	typeTracing   = 2
	typeCgroup    = 3
	typeNetns     = 5
	typeXDP       = 6
	typeStructOps = 9
	typeTCX       = 11
)

// Info asks the kernel about the link.
func (l *Link) Info() (Info, error) {
	if l.fd == nil {
		return Info{}, fmt.Errorf("describe link to %s: %w: %s", l.target, loader.ErrNotSupported, l.whyNone())
	}
	i, err := sys.InfoOfLink(l.fd)
	if err != nil {
		return Info{}, fmt.Errorf("describe link to %s: %w", l.target, err)
	}
	return decode(i), nil
}

// decode reads the union of struct bpf_link_info.
func decode(i sys.LinkInfo) Info {
	word := func(n int) uint32 { return binary.NativeEndian.Uint32(i.Extra[4*n:]) }
	info := Info{ID: i.ID, Program: i.ProgID}
	switch i.Type {
	case typeTracing:
		info.AttachType = spec.AttachType(word(0))
	case typeCgroup:
		info.Cgroup, info.AttachType = binary.NativeEndian.Uint64(i.Extra[:]), spec.AttachType(word(2))
	case typeNetns:
		info.Netns, info.AttachType = word(0), spec.AttachType(word(1))
	case typeXDP:
		info.Interface = word(0)
	case typeStructOps:
		info.Map = word(0)
	case typeTCX:
		info.Interface, info.AttachType = word(0), spec.AttachType(word(1))
	}
	return info
}
