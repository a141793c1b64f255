package sim

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// Verdict is what became of a packet.
type Verdict uint8

// The verdicts. Their names are those of interfaces in captures that [Recorder] writes.
const (
	Passed      Verdict = iota // it reached the stack, or left the machine where it was outbound
	Dropped                    // a program dropped it, or returned what is no verdict
	Transmitted                // XDP_TX: it left through the interface that it came from
	Redirected                 // it went on to another interface or CPU, or into a socket
)

var verdictNames = [...]string{"passed", "dropped", "transmitted", "redirected"}

// String returns the verdict in lower case.
func (v Verdict) String() string { return verdictNames[v] }

// Outcome is what became of a packet.
type Outcome struct {
	Packet  Packet // as it was then; its data is valid within the call
	Verdict Verdict
	Reason  string // what returned what: "XDP_DROP of pktguard"; empty when no program saw it
	To      string // interface that it was redirected to, "if7" when nothing is attached to it; "cpus[3]" for a CPU or socket of a map
}

// network is the interfaces and cgroups that something is or was attached to.
type network struct {
	ifaces          []*iface // in the order that they were named in
	ingress, egress []*hook  // programs of cgroups
	buf             []byte   // the packet between two programs
	ctx             [sizeOfSkb]byte
	comms           []string // of the idle tasks that packets interrupt, by CPU
	arrived         uint64   // how many packets
}

// iface is a simulated interface.
type iface struct {
	netns, name     string
	index           int
	xdp             *hook
	ingress, egress []*hook // tcx
	sockets         []*hook // packet sockets
}

// get returns an interface, which is made if it is new. Number 1 is that of loopback.
func (n *network) get(netns, name string) *iface {
	for _, i := range n.ifaces {
		if i.name == name && i.netns == netns {
			return i
		}
	}
	i := &iface{netns: netns, name: name, index: len(n.ifaces) + 2}
	n.ifaces = append(n.ifaces, i)
	return i
}

// chain returns the programs of tcx in one direction.
func (i *iface) chain(egress bool) *[]*hook {
	if egress {
		return &i.egress
	}
	return &i.ingress
}

// cgroups returns the programs of cgroups in one direction.
func (n *network) cgroups(egress bool) *[]*hook {
	if egress {
		return &n.egress
	}
	return &n.ingress
}

// remove takes a program away.
func (n *network) remove(h *hook) {
	is := func(o *hook) bool { return o == h }
	n.ingress, n.egress = slices.DeleteFunc(n.ingress, is), slices.DeleteFunc(n.egress, is)
	if h.iface == nil {
		return
	}
	if h.iface.xdp == h {
		h.iface.xdp = nil
	}
	h.iface.ingress, h.iface.egress = slices.DeleteFunc(h.iface.ingress, is), slices.DeleteFunc(h.iface.egress, is)
	h.iface.sockets = slices.DeleteFunc(h.iface.sockets, is)
}

// busy reports whether something is attached to the interface.
func (i *iface) busy() bool { return i.xdp != nil || len(i.ingress)+len(i.egress)+len(i.sockets) > 0 }

// interfaceOf returns the interface that a packet is of: that of its name if something is attached
// there, otherwise the first to which something is attached.
func (n *network) interfaceOf(name string) *iface {
	var first *iface
	for _, i := range n.ifaces {
		switch {
		case !i.busy():
		case i.name == name:
			return i
		case first == nil:
			first = i
		}
	}
	if first == nil { // only cgroups have programs
		return &iface{name: name, index: 2}
	}
	return first
}

// deliver takes a packet through the programs of its direction.
func (b *Backend) deliver(p *Packet) error {
	n := &b.network
	i := n.interfaceOf(p.Interface)
	if p.Direction == Either {
		p.Direction = Inbound
		if i.xdp == nil && len(i.ingress)+len(i.sockets)+len(n.ingress) == 0 && len(i.egress)+len(n.egress) > 0 {
			p.Direction = Outbound
		}
	}
	if p.Interface == "" {
		p.Interface = i.name
	}
	j := journey{b: b, iface: i, cpu: int(n.arrived % uint64(b.options.CPUs)), out: Outcome{Packet: *p}}
	n.arrived++
	err := j.run()
	if err == nil && b.options.Outcome != nil {
		j.out.Packet.Data = j.vlan.insert(j.out.Packet.Data)
		b.options.Outcome(j.out)
	}
	return err
}

// journey is the way of a packet.
type journey struct {
	b     *Backend
	iface *iface
	cpu   int
	vlan  vlan // that programs see beside the packet
	out   Outcome
}

// run takes the packet through all programs, up to the first that does not let it pass.
func (j *journey) run() error {
	n, i := &j.b.network, j.iface
	if j.out.Packet.Direction == Outbound {
		if pass, err := j.cgroup(n.egress); err != nil || !pass {
			return err
		}
		if pass, err := j.tcx(i.egress); err != nil || !pass {
			return err
		}
		return j.sockets(i.sockets)
	}
	if i.xdp != nil {
		if pass, err := j.xdp(i.xdp); err != nil || !pass {
			return err
		}
	}
	j.out.Packet.Data = j.vlan.take(j.out.Packet.Data)
	if err := j.sockets(i.sockets); err != nil {
		return err
	}
	if pass, err := j.tcx(i.ingress); err != nil || !pass {
		return err
	}
	_, err := j.cgroup(n.ingress)
	return err
}

// program runs a program on the packet and returns what it returned. The packet is what the program
// left of it, unless it saw it without its link header.
func (j *journey) program(h *hook, ctx []byte, whole bool) (vm.Result, error) {
	r, err := h.prog.in.machine.Run(h.prog.Name(), vm.Input{
		Packet: j.out.Packet.Data, Context: ctx, CPU: j.cpu, Cookie: h.cookie, Process: vm.Process{Comm: j.b.network.comms[j.cpu], Cgroup: 1},
	})
	if err != nil {
		return r, fmt.Errorf("simulate packet %d: %w", j.b.network.arrived, err)
	}
	j.cloned(h, r)
	if whole {
		j.b.network.buf = append(j.b.network.buf[:0], r.Packet...)
		j.out.Packet.Data = j.b.network.buf
	}
	return r, nil
}

// tcxActions are the names of what programs of tcx return (TCX_… of the UAPI).
var tcxActions = map[int32]string{-1: "TCX_NEXT", 0: "TCX_PASS", 2: "TCX_DROP", 7: "TCX_REDIRECT"}

// xdp runs the program of XDP and reports whether the packet goes on.
func (j *journey) xdp(h *hook) (pass bool, err error) {
	const xdpDrop, xdpPass, xdpTX, xdpRedirect = 1, 2, 3, 4
	ctx := j.b.network.ctx[:24] // struct xdp_md
	clear(ctx)
	binary.LittleEndian.PutUint32(ctx[12:], uint32(j.iface.index))
	r, err := j.program(h, ctx, true)
	if err != nil {
		return false, err
	}
	action := uint32(r.Return)
	name := "" // nobody is told
	switch {
	case j.b.options.Outcome == nil:
	case action <= xdpRedirect:
		name = spec.ProgramXDP.ActionText(int32(action))
	default:
		name = "XDP action " + strconv.Itoa(int(action))
	}
	verdict := Dropped
	switch action {
	case xdpPass:
		verdict, pass = Passed, true
	case xdpTX:
		verdict = Transmitted
	case xdpRedirect:
		verdict = Redirected
	}
	j.decided(verdict, name, h, r)
	return pass, nil
}

// sockets runs the programs of packet sockets, which see the packet and decide nothing about it: they return
// how many bytes their socket keeps.
func (j *journey) sockets(list []*hook) error {
	for _, h := range list {
		r, err := j.program(h, j.skb(), false)
		if err != nil {
			return err
		}
		j.decided(Passed, strconv.FormatUint(uint64(uint32(r.Return)), 10), h, r)
	}
	return nil
}

// tcx runs programs of tcx until one decides, and reports whether the packet goes on.
func (j *journey) tcx(chain []*hook) (pass bool, err error) {
	const drop, redirect = 2, 7
	for _, h := range chain {
		r, err := j.program(h, j.skb(), true)
		if err != nil {
			return false, err
		}
		j.vlan.get(r.Context)
		action := int32(r.Return)
		name, known := tcxActions[action]
		if !known { // as the kernel takes it (tcx_action_code, include/net/tcx.h)
			action, name = -1, "TC action "+strconv.Itoa(int(action))
		}
		switch action {
		case drop:
			j.decided(Dropped, name, h, r)
			return false, nil
		case redirect:
			j.decided(Redirected, name, h, r)
			return false, nil
		}
		j.decided(Passed, name, h, r)
		if action == 0 {
			break
		}
	}
	return true, nil
}

// cgroup runs all programs of cgroups, of which each has to let the packet pass.
func (j *journey) cgroup(chain []*hook) (pass bool, err error) {
	for _, h := range chain {
		r, err := j.program(h, j.skb(), false)
		if err != nil {
			return false, err
		}
		if r.Return&1 == 0 {
			j.decided(Dropped, strconv.FormatUint(r.Return, 10), h, r)
			return false, nil
		}
		j.decided(Passed, strconv.FormatUint(r.Return, 10), h, r)
	}
	return true, nil
}

// sizeOfSkb is sizeof(struct __sk_buff).
const sizeOfSkb = 192

// skb returns the context of programs that have a __sk_buff, valid until the next program.
func (j *journey) skb() []byte {
	const ingressIfindex, ifindex = 36, 40
	ctx := j.b.network.ctx[:]
	clear(ctx)
	if j.out.Packet.Direction != Outbound {
		binary.LittleEndian.PutUint32(ctx[ingressIfindex:], uint32(j.iface.index))
	}
	binary.LittleEndian.PutUint32(ctx[ifindex:], uint32(j.iface.index))
	j.vlan.put(ctx)
	return ctx
}

// decided notes what a program decided.
func (j *journey) decided(v Verdict, name string, h *hook, r vm.Result) {
	if j.b.options.Outcome == nil {
		return
	}
	j.out.Verdict, j.out.Reason = v, name+" of "+h.prog.Name()
	if v != Redirected {
		return
	}
	j.out.To = j.b.network.nameOf(r.Redirect)
	if to := r.RedirectTo; to.Map != "" && r.Redirect == 0 {
		j.out.To = fmt.Sprintf("%s[%d]", to.Map, to.Key)
		if to.Broadcast {
			j.out.To = "all of " + to.Map
		}
	}
}

// nameOf returns the name of an interface, "if7" when nothing is attached to it.
func (n *network) nameOf(index int) string {
	for _, i := range n.ifaces {
		if i.index == index {
			return i.name
		}
	}
	return "if" + strconv.Itoa(index)
}

// cloned tells of the copies that a program sent.
func (j *journey) cloned(h *hook, r vm.Result) {
	if j.b.options.Outcome == nil || len(r.Clones) == 0 {
		return
	}
	for _, c := range r.Clones {
		tag := vlan{}
		if c.Tagged {
			tag = vlan{1, uint32(c.TCI), uint32(c.Proto)}
		}
		p := j.out.Packet
		p.Data, p.Length = tag.insert(c.Packet), 0
		j.b.options.Outcome(Outcome{Packet: p, Verdict: Redirected, Reason: "a copy of " + h.prog.Name(), To: j.b.network.nameOf(c.Interface)})
	}
}
