//go:build linux

package sys

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// vethInfoPeer is VETH_INFO_PEER of include/uapi/linux/veth.h.
const vethInfoPeer = 1

// message is a growing rtnetlink message (include/uapi/linux/rtnetlink.h), in native byte order.
type message struct{ b []byte }

func newMessage(kind uint16, flags uint16, body []byte) *message {
	m := &message{b: make([]byte, unix.NLMSG_HDRLEN, 256)}
	binary.NativeEndian.PutUint16(m.b[4:], kind)
	binary.NativeEndian.PutUint16(m.b[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m.b = append(m.b, body...)
	return m
}

// attr adds an attribute; fill adds those nested in it.
func (m *message) attr(kind uint16, data []byte, fill func()) {
	start := len(m.b)
	m.b = append(m.b, 0, 0, 0, 0)
	m.b = append(m.b, data...)
	if fill != nil {
		fill()
	}
	binary.NativeEndian.PutUint16(m.b[start:], uint16(len(m.b)-start))
	binary.NativeEndian.PutUint16(m.b[start+2:], kind)
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
}

func (m *message) text(kind uint16, s string) { m.attr(kind, append([]byte(s), 0), nil) }

func (m *message) number(kind uint16, n uint32) {
	m.attr(kind, binary.NativeEndian.AppendUint32(nil, n), nil)
}

// send passes the message to the kernel of this thread's network namespace and waits for its
// answer.
func (m *message) send() error {
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return wrapErrno(err)
	}
	defer unix.Close(s)
	binary.NativeEndian.PutUint32(m.b, uint32(len(m.b)))
	if err := unix.Sendto(s, m.b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return wrapErrno(err)
	}
	buf := make([]byte, 8192)
	for {
		n, _, err := unix.Recvfrom(s, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return wrapErrno(err)
		}
		if n < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
			return fmt.Errorf("rtnetlink: unexpected answer of %d bytes", n)
		}
		if e := int32(binary.NativeEndian.Uint32(buf[unix.NLMSG_HDRLEN:])); e != 0 {
			return Errno(-e)
		}
		return nil
	}
}

// ifinfo is struct ifinfomsg.
func ifinfo(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// End is one end of a veth pair.
type End struct {
	Name string
	MAC  [6]byte
}

// CreateVeth makes a veth pair: near in this thread's network namespace, far in the namespace ns.
func CreateVeth(near, far End, ns *FD) error {
	raw, err := ns.Acquire()
	if err != nil {
		return err
	}
	defer ns.Release()
	m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifinfo(0, 0, 0))
	m.text(unix.IFLA_IFNAME, near.Name)
	m.attr(unix.IFLA_ADDRESS, near.MAC[:], nil)
	m.attr(unix.IFLA_LINKINFO, nil, func() {
		m.text(unix.IFLA_INFO_KIND, "veth")
		m.attr(unix.IFLA_INFO_DATA, nil, func() {
			m.attr(vethInfoPeer, ifinfo(0, 0, 0), func() {
				m.text(unix.IFLA_IFNAME, far.Name)
				m.attr(unix.IFLA_ADDRESS, far.MAC[:], nil)
				m.number(unix.IFLA_NET_NS_FD, uint32(raw))
			})
		})
	})
	return m.send()
}

// SetUp switches an interface of this thread's network namespace on.
func SetUp(index int) error {
	return newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, unix.IFF_UP, unix.IFF_UP)).send()
}

// DeleteInterface removes an interface of this thread's network namespace.
func DeleteInterface(index int) error {
	return newMessage(unix.RTM_DELLINK, 0, ifinfo(index, 0, 0)).send()
}

// AddAddress adds an IPv4 address to an interface of this thread's network namespace.
func AddAddress(index int, p netip.Prefix) error {
	body := make([]byte, unix.SizeofIfAddrmsg)
	body[0], body[1] = unix.AF_INET, byte(p.Bits())
	binary.NativeEndian.PutUint32(body[4:], uint32(index))
	a := p.Addr().As4()
	m := newMessage(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, body)
	m.attr(unix.IFA_LOCAL, a[:], nil)
	m.attr(unix.IFA_ADDRESS, a[:], nil)
	return m.send()
}

// AddNeighbour tells an interface of this thread's network namespace a hardware address for good,
// so that nobody has to ask for it with ARP.
func AddNeighbour(index int, addr netip.Addr, mac [6]byte) error {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = unix.AF_INET
	binary.NativeEndian.PutUint32(body[4:], uint32(index))
	binary.NativeEndian.PutUint16(body[8:], unix.NUD_PERMANENT)
	a := addr.As4()
	m := newMessage(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, body)
	m.attr(unix.NDA_DST, a[:], nil)
	m.attr(unix.NDA_LLADDR, mac[:], nil)
	return m.send()
}

// StartTCP sends the first packet of a TCP connection and does not wait for an answer.
func StartTCP(from netip.Addr, to netip.AddrPort) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return wrapErrno(err)
	}
	defer unix.Close(s)
	if err := unix.Bind(s, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
		return wrapErrno(err)
	}
	err = unix.Connect(s, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	if err == unix.EINPROGRESS || err == unix.ECONNREFUSED {
		return nil
	}
	return wrapErrno(err)
}
