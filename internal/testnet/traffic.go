package testnet

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// The ports that packets go to. Nothing listens there.
const (
	UDPPort = 4242
	TCPPort = 4243
)

// Flow says which packets to send from the peer to the local side.
type Flow struct {
	UDP, TCP, ICMP int           // packets of each protocol
	Every          time.Duration // time between two packets; 0 is as fast as possible
	From           netip.Addr    // source, one of PeerAddrs; the zero value is the first of them
	Size           int           // bytes of payload of a UDP or ICMP packet; 0 is 32
}

// Total is the number of packets.
func (f Flow) Total() int { return f.UDP + f.TCP + f.ICMP }

// Traffic sends the packets of f in turns of UDP, TCP and ICMP, and nothing else: TCP packets are
// the first of a connection that nobody waits for. It returns what was sent, which is less than f
// when ctx ended (that is not an error) or sending failed.
func (n *Net) Traffic(ctx context.Context, f Flow) (sent Flow, err error) {
	if !f.From.IsValid() {
		f.From = PeerAddrs()[0]
	}
	sent = Flow{Every: f.Every, From: f.From, Size: f.Size}
	if f.Size <= 0 {
		f.Size = 32
	}
	err = n.Peer(func() error {
		s, err := openSender(f)
		if err != nil {
			return err
		}
		defer s.close()
		return s.run(ctx, f, &sent)
	})
	if err != nil {
		return sent, fmt.Errorf("send traffic: %w", err)
	}
	return sent, nil
}

// sender holds the sockets of the peer.
type sender struct {
	from    netip.Addr
	udp     net.PacketConn
	icmp    net.PacketConn
	payload []byte
	echoes  uint16
}

func openSender(f Flow) (*sender, error) {
	s := &sender{from: f.From, payload: make([]byte, f.Size)}
	var err error
	if s.udp, err = net.ListenPacket("udp4", netip.AddrPortFrom(f.From, 0).String()); err != nil {
		return nil, err
	}
	if s.icmp, err = net.ListenPacket("ip4:icmp", f.From.String()); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sender) close() {
	if s.udp != nil {
		s.udp.Close()
	}
	if s.icmp != nil {
		s.icmp.Close()
	}
}

func (s *sender) run(ctx context.Context, f Flow, sent *Flow) error {
	var tick <-chan time.Time
	if f.Every > 0 {
		t := time.NewTicker(f.Every)
		defer t.Stop()
		tick = t.C
	}
	kinds := []struct {
		want int
		done *int
		send func() error
	}{
		{f.UDP, &sent.UDP, s.sendUDP},
		{f.TCP, &sent.TCP, s.sendTCP},
		{f.ICMP, &sent.ICMP, s.sendICMP},
	}
	for sent.Total() < f.Total() {
		for _, k := range kinds {
			if *k.done == k.want {
				continue
			}
			if tick != nil && sent.Total() > 0 {
				select {
				case <-tick:
				case <-ctx.Done():
				}
			}
			if ctx.Err() != nil {
				return nil
			}
			if err := k.send(); err != nil {
				return err
			}
			*k.done++
		}
	}
	return nil
}

func (s *sender) sendUDP() error {
	_, err := s.udp.WriteTo(s.payload, net.UDPAddrFromAddrPort(netip.AddrPortFrom(Local(), UDPPort)))
	return err
}

func (s *sender) sendTCP() error { return sys.StartTCP(s.from, netip.AddrPortFrom(Local(), TCPPort)) }

// sendICMP sends an echo request (RFC 792).
func (s *sender) sendICMP() error {
	b := append([]byte{8, 0, 0, 0, 0xbf, 0x05, 0, 0}, s.payload...)
	s.echoes++
	binary.BigEndian.PutUint16(b[6:], s.echoes)
	binary.BigEndian.PutUint16(b[2:], checksum(b))
	_, err := s.icmp.WriteTo(b, &net.IPAddr{IP: Local().AsSlice()})
	return err
}

// checksum is the Internet checksum (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for i, c := range b {
		if i%2 == 0 {
			sum += uint32(c) << 8
		} else {
			sum += uint32(c)
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
