//go:build linux

package sys

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// OpenPacketSocket opens a raw packet socket (packet(7)) in the network namespace of this thread. It gets no
// packets before it is bound, and its buffer is as small as the kernel makes it.
func OpenPacketSocket() (*FD, error) {
	raw, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, wrapErrno(err)
	}
	if err := unix.SetsockoptInt(raw, unix.SOL_SOCKET, unix.SO_RCVBUF, 0); err != nil {
		unix.Close(raw)
		return nil, wrapErrno(err)
	}
	return NewFD(raw)
}

// SetSocketProg lets a program decide what a socket gets, in place of the one before (SO_ATTACH_BPF).
func SetSocketProg(f *FD, prog int) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	return wrapErrno(unix.SetsockoptInt(raw, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, prog))
}

// BindPacketSocket lets a packet socket get all packets of an interface.
func BindPacketSocket(f *FD, index int) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	return wrapErrno(unix.Bind(raw, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}))
}
