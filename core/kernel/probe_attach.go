package kernel

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// attachProbe says how to ask for an attach type or a type of link: by a program of a type that is
// loaded for it, or that is to be attached to what does not exist.
type attachProbe struct {
	program spec.ProgramType
	attach  spec.AttachType // of the program, if it is loaded with one
	how     attachWay
	rest    [6]uint64 // of the attribute of a link, after its flags
	needs   string    // build option of the link beside that of the program
}

// attachWay is how the kernel is asked.
type attachWay uint8

const (
	byLoad       attachWay = iota // it looks at the attach type when it loads the program
	byTarget                      // the program attaches to type 1 of the kernel, which is not what it takes
	byLink                        // a link to descriptor or interface -1 is refused, but not with EINVAL
	byAttach                      // so is attaching without a link
	byMap                         // maps whose values have descriptors of such programs
	byOps                         // a map of struct_ops that is for a link
	byLoopback                    // a link in hardware to the loopback interface, which has none
	byTracepoint                  // a raw tracepoint that does not exist
	byControl                     // by load, and a kernel without it looks at no attach type
	byNone                        // a program without a target
)

// Pointers of the attribute of links of many probes, which lead nowhere (the kernel's union
// link_create): kprobe_multi has flags and count, symbols, addresses, cookies; uprobe_multi a path,
// offsets, reference counters, cookies, count and flags.
var (
	nowhereKprobes = [6]uint64{count(0, 1), 1}
	nowhereUprobes = [6]uint64{1, 1, 0, 0, count(1, 0)}
)

// count are two numbers of 32 bits, one after the other.
func count(first, second uint32) uint64 {
	var b [8]byte
	native.PutUint32(b[:], first)
	native.PutUint32(b[4:], second)
	return native.Uint64(b[:])
}

// attachProbes is by attach type.
var attachProbes = map[spec.AttachType]attachProbe{
	spec.AttachTypeCgroupInetIngress:          {program: spec.ProgramCgroupSkb},
	spec.AttachTypeCgroupInetEgress:           {program: spec.ProgramCgroupSkb},
	spec.AttachTypeCgroupInetSockCreate:       {program: spec.ProgramCgroupSock},
	spec.AttachTypeCgroupSockOps:              {program: spec.ProgramSockOps, how: byLink},
	spec.AttachTypeSkSkbStreamParser:          {program: spec.ProgramSkSkb, how: byAttach},
	spec.AttachTypeSkSkbStreamVerdict:         {program: spec.ProgramSkSkb, how: byAttach},
	spec.AttachTypeSkSkbVerdict:               {program: spec.ProgramSkSkb, how: byAttach},
	spec.AttachTypeCgroupDevice:               {program: spec.ProgramCgroupDevice, how: byLink},
	spec.AttachTypeSkMsgVerdict:               {program: spec.ProgramSkMsg, how: byAttach},
	spec.AttachTypeCgroupInet4Bind:            {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet6Bind:            {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet4Connect:         {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet6Connect:         {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet4PostBind:        {program: spec.ProgramCgroupSock},
	spec.AttachTypeCgroupInet6PostBind:        {program: spec.ProgramCgroupSock},
	spec.AttachTypeCgroupInetSockRelease:      {program: spec.ProgramCgroupSock},
	spec.AttachTypeCgroupUDP4Sendmsg:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUDP6Sendmsg:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUDP4Recvmsg:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUDP6Recvmsg:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet4Getpeername:     {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet6Getpeername:     {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet4Getsockname:     {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupInet6Getsockname:     {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUnixConnect:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUnixSendmsg:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUnixRecvmsg:          {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUnixGetpeername:      {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeCgroupUnixGetsockname:      {program: spec.ProgramCgroupSockAddr},
	spec.AttachTypeLircMode2:                  {program: spec.ProgramLircMode2, how: byAttach},
	spec.AttachTypeFlowDissector:              {program: spec.ProgramFlowDissector, how: byLink},
	spec.AttachTypeCgroupSysctl:               {program: spec.ProgramCgroupSysctl, how: byLink},
	spec.AttachTypeCgroupGetsockopt:           {program: spec.ProgramCgroupSockopt},
	spec.AttachTypeCgroupSetsockopt:           {program: spec.ProgramCgroupSockopt},
	spec.AttachTypeTraceRawTp:                 {program: spec.ProgramTracing, how: byTarget},
	spec.AttachTypeTraceFentry:                {program: spec.ProgramTracing, how: byTarget},
	spec.AttachTypeTraceFexit:                 {program: spec.ProgramTracing, how: byTarget},
	spec.AttachTypeTraceFsession:              {program: spec.ProgramTracing, how: byTarget},
	spec.AttachTypeTraceFentryMulti:           {program: spec.ProgramTracing, how: byNone},
	spec.AttachTypeTraceFexitMulti:            {program: spec.ProgramTracing, how: byNone},
	spec.AttachTypeTraceFsessionMulti:         {program: spec.ProgramTracing, how: byNone},
	spec.AttachTypeModifyReturn:               {program: spec.ProgramTracing, how: byTarget},
	spec.AttachTypeTraceIter:                  {program: spec.ProgramTracing, how: byTarget},
	spec.AttachTypeLSMMac:                     {program: spec.ProgramLSM, how: byTarget},
	spec.AttachTypeLSMCgroup:                  {program: spec.ProgramLSM, how: byTarget},
	spec.AttachTypeXDPDevmap:                  {program: spec.ProgramXDP, how: byMap},
	spec.AttachTypeXDPCpumap:                  {program: spec.ProgramXDP, how: byMap},
	spec.AttachTypeXDP:                        {program: spec.ProgramXDP, how: byLoopback},
	spec.AttachTypeSkLookup:                   {program: spec.ProgramSkLookup},
	spec.AttachTypeSkReuseportSelect:          {program: spec.ProgramSkReuseport},
	spec.AttachTypeSkReuseportSelectOrMigrate: {program: spec.ProgramSkReuseport, how: byControl},
	spec.AttachTypePerfEvent:                  {program: spec.ProgramPerfEvent, how: byLink},
	spec.AttachTypeTraceKprobeMulti:           {program: spec.ProgramKprobe, how: byLink, rest: nowhereKprobes, needs: "CONFIG_FPROBE"},
	spec.AttachTypeTraceKprobeSession:         {program: spec.ProgramKprobe, how: byLink, rest: nowhereKprobes, needs: "CONFIG_FPROBE"},
	spec.AttachTypeTraceUprobeMulti:           {program: spec.ProgramKprobe, how: byLink, rest: nowhereUprobes, needs: "CONFIG_UPROBES"},
	spec.AttachTypeTraceUprobeSession:         {program: spec.ProgramKprobe, how: byLink, rest: nowhereUprobes, needs: "CONFIG_UPROBES"},
	spec.AttachTypeStructOps:                  {program: spec.ProgramStructOps, how: byOps},
	spec.AttachTypeNetfilter:                  {program: spec.ProgramNetfilter},
	spec.AttachTypeTCXIngress:                 {program: spec.ProgramSchedCls, how: byLink, needs: "CONFIG_NET_XGRESS"},
	spec.AttachTypeTCXEgress:                  {program: spec.ProgramSchedCls, how: byLink, needs: "CONFIG_NET_XGRESS"},
	spec.AttachTypeNetkitPrimary:              {program: spec.ProgramSchedCls, how: byLink, needs: "CONFIG_NETKIT"},
	spec.AttachTypeNetkitPeer:                 {program: spec.ProgramSchedCls, how: byLink, needs: "CONFIG_NETKIT"},
}

// linkProbes is by type of link. attach is the hook whose links are asked for.
var linkProbes = map[spec.LinkType]attachProbe{
	spec.LinkRawTracepoint: {program: spec.ProgramRawTracepoint, how: byTracepoint},
	spec.LinkTracing:       {program: spec.ProgramTracing, attach: spec.AttachTypeTraceFentry, how: byTarget},
	spec.LinkCgroup:        {program: spec.ProgramCgroupSkb, attach: spec.AttachTypeCgroupInetEgress, how: byLink},
	spec.LinkIter:          {program: spec.ProgramTracing, attach: spec.AttachTypeTraceIter, how: byTarget},
	spec.LinkNetns:         {program: spec.ProgramFlowDissector, attach: spec.AttachTypeFlowDissector, how: byLink},
	spec.LinkXDP:           attachProbes[spec.AttachTypeXDP].of(spec.AttachTypeXDP),
	spec.LinkPerfEvent:     attachProbes[spec.AttachTypePerfEvent].of(spec.AttachTypePerfEvent),
	spec.LinkKprobeMulti:   attachProbes[spec.AttachTypeTraceKprobeMulti].of(spec.AttachTypeTraceKprobeMulti),
	spec.LinkStructOps:     {program: spec.ProgramStructOps, how: byOps},
	spec.LinkNetfilter:     {program: spec.ProgramNetfilter, attach: spec.AttachTypeNetfilter, how: byLink},
	spec.LinkTCX:           attachProbes[spec.AttachTypeTCXIngress].of(spec.AttachTypeTCXIngress),
	spec.LinkUprobeMulti:   attachProbes[spec.AttachTypeTraceUprobeMulti].of(spec.AttachTypeTraceUprobeMulti),
	spec.LinkNetkit:        attachProbes[spec.AttachTypeNetkitPrimary].of(spec.AttachTypeNetkitPrimary),
	spec.LinkSockmap:       {program: spec.ProgramSkMsg, attach: spec.AttachTypeSkMsgVerdict, how: byLink},
	spec.LinkTracingMulti:  {program: spec.ProgramTracing, attach: spec.AttachTypeTraceFentryMulti, how: byNone},
}

// of is the probe of the links of an attach type.
func (p attachProbe) of(t spec.AttachType) attachProbe {
	p.attach = t
	return p
}

// option returns the build option that it takes, beside that of the program if there is one.
func (p attachProbe) option() string {
	if p.needs != "" {
		return p.needs
	}
	return p.program.Option()
}

// loaded is what the program is loaded with for an attach type.
func (p attachProbe) loaded(t spec.AttachType) programProbe {
	out := programProbes[p.program]
	out.attach, out.known = t, ""
	return out
}

// askFor asks for an attach type, or for its links.
func (p attachProbe) askFor(t spec.AttachType) error {
	switch p.how {
	case byTarget:
		l := p.loaded(t)
		l.known = notFunction
		if t == spec.AttachTypeTraceRawTp {
			l.known = notTypedef
		}
		return l.load(p.program, returnOne)
	case byNone:
		l := p.loaded(t)
		l.typeID = 0
		return l.load(p.program, returnZero)
	case byControl:
		err := p.loaded(t).load(p.program, returnOne)
		if err == nil && p.loaded(noAttachType).load(p.program, returnOne) == nil {
			return absent{sys.EINVAL}
		}
		return err
	case byMap:
		m := mapProbe{key: 4, value: 8, entries: 1}
		if t == spec.AttachTypeXDPCpumap {
			return m.create(spec.MapCpumap, 0)
		}
		return m.create(spec.MapDevmap, 0)
	case byOps:
		return askMapFlag(spec.FlagLink)
	case byLoad:
		return p.loaded(t).load(p.program, returnOne)
	}
	return p.attachTo(t)
}

// noAttachType is a number that no kernel has.
const noAttachType spec.AttachType = 0x7fff

// attachTo attaches a program to what does not exist.
func (p attachProbe) attachTo(t spec.AttachType) error {
	fd, _, err := p.loaded(t).open(p.program, returnOne, false)
	if err != nil {
		return lacks(err, sys.EINVAL, sys.E2BIG, sys.EOPNOTSUPP)
	}
	defer fd.Close()
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	defer fd.Release()
	var link *sys.FD
	switch p.how {
	case byAttach:
		err = sys.AttachProg(-1, raw, uint32(t), 0)
	case byTracepoint:
		link, err = sys.OpenRawTracepoint("bpfhost_no_such_tracepoint", raw, 0)
	case byLoopback:
		// No kernel runs programs in the hardware of the loopback interface, which is the first of
		// every network namespace: EOPNOTSUPP, from those that know such links.
		const loopback, hardware = 1, 1 << 3 // XDP_FLAGS_HW_MODE
		link, err = sys.CreateLink(&sys.LinkCreate{ProgFD: uint32(raw), Target: loopback, AttachType: uint32(t), Flags: hardware})
		if errors.Is(err, sys.EOPNOTSUPP) {
			return nil
		}
	default:
		link, err = sys.CreateAnyLink(&sys.LinkCreateAny{
			LinkCreate: sys.LinkCreate{ProgFD: uint32(raw), Target: noDescriptor, AttachType: uint32(t)}, Rest: p.rest,
		})
	}
	link.Close()
	if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		return err
	}
	if err = lacks(err, sys.EINVAL, sys.E2BIG, sys.EOPNOTSUPP); errors.As(err, new(absent)) {
		return err
	}
	return nil // another refusal is about the target
}
