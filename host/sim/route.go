package sim

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// Route says where packets to a prefix are forwarded, for programs that ask bpf_fib_lookup.
type Route struct {
	Prefix    netip.Prefix
	Interface string
	Gateway   netip.Addr // the next hop; none is the destination itself
	MAC       [6]byte    // of the next hop; zero is one that is not known
}

// ParseRoute reads "10.0.0.0/8=eth1", with "via=10.1.0.1" and "mac=02:00:00:00:00:01" after commas.
func ParseRoute(text string) (r Route, err error) {
	parts := strings.Split(text, ",")
	prefix, name, ok := strings.Cut(parts[0], "=")
	if !ok || name == "" {
		return r, fmt.Errorf("%q is not PREFIX=INTERFACE", parts[0])
	}
	r.Interface = name
	if r.Prefix, err = netip.ParsePrefix(prefix); err != nil {
		return r, fmt.Errorf("%q is not a prefix such as 10.0.0.0/8", prefix)
	}
	r.Prefix = r.Prefix.Masked()
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "via":
			if r.Gateway, err = netip.ParseAddr(value); err != nil || r.Gateway.Is4() != r.Prefix.Addr().Is4() {
				return r, fmt.Errorf("%q is not an address of the prefix's family", value)
			}
		case "mac":
			mac, err := net.ParseMAC(value)
			if err != nil || len(mac) != len(r.MAC) {
				return r, fmt.Errorf("%q is not an Ethernet address", value)
			}
			r.MAC = [6]byte(mac)
		default:
			return r, fmt.Errorf("%q is unknown%s", key, nearest.Hint(key, []string{"via", "mac"}))
		}
	}
	return r, nil
}

// routes returns the routes as machines have them.
func (b *Backend) routes() (list []vm.Route) {
	for _, r := range b.options.Routes {
		i := b.network.get("", r.Interface)
		list = append(list, vm.Route{
			Prefix: r.Prefix, Interface: i.index, Gateway: r.Gateway, DstMAC: r.MAC,
			SrcMAC: [6]byte{2, 0xbf, 0, 1, byte(i.index >> 8), byte(i.index)},
		})
	}
	return list
}
