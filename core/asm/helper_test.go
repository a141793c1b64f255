package asm_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/lab/labtest"
)

// lastHelper is the largest number that Linux 6.18 has.
const lastHelper = asm.HelperCgrpStorageDelete

func TestHelperInfo(t *testing.T) {
	last := 0
	for h := asm.HelperMapLookupElem; h <= lastHelper; h++ {
		i, ok := h.Info()
		if !ok || i.Result == "" {
			t.Fatalf("%v has no line: %+v", h, i)
		}
		major, minor, _ := strings.Cut(i.Since, ".")
		x, err1 := strconv.Atoi(major)
		y, err2 := strconv.Atoi(minor)
		if err1 != nil || err2 != nil || x*1000+y < last { // numbers are assigned in order of time
			t.Errorf("%v is there since %q, the one before since %d.%d", h, i.Since, last/1000, last%1000)
		}
		last = x*1000 + y
		for _, a := range i.Args {
			if a.Kind == asm.ArgUnknown || a.Type == "" || a.Name == "" {
				t.Errorf("%v has the parameter %+v", h, a)
			}
		}
	}
	for _, h := range []asm.Helper{-1, 0, lastHelper + 1, 1 << 30} {
		if i, ok := h.Info(); ok || h.Prototype() != "" {
			t.Errorf("helper %d has %+v", h, i)
		}
	}
}

// TestHelperSince holds the first kernel of every helper against the types of the kernels of the
// lab.
func TestHelperSince(t *testing.T) {
	for _, kernel := range []string{"5.10", "6.1", "6.12"} {
		has := map[asm.Helper]string{}
		for _, v := range labtest.Enum(t, labtest.Types(t, kernel), "bpf_func_id").Values {
			if v.Name != "__BPF_FUNC_MAX_ID" {
				has[asm.Helper(v.Value)] = v.Name
			}
		}
		for h := asm.HelperMapLookupElem; h <= lastHelper; h++ {
			i, _ := h.Info()
			if name, ok := has[h]; ok == versionLess(kernel, i.Since) || ok && strings.Replace(name, "BPF_FUNC_", "bpf_", 1) != h.String() {
				t.Errorf("%v is there since %s; Linux %s has %q", h, i.Since, kernel, name)
			}
		}
	}
}

// versionLess compares versions such as 5.10.
func versionLess(a, b string) bool {
	var x, y [2]int
	fmt.Sscanf(a, "%d.%d", &x[0], &x[1])
	fmt.Sscanf(b, "%d.%d", &y[0], &y[1])
	return slices.Compare(x[:], y[:]) < 0
}

func ExampleHelper_Info() {
	i, _ := asm.HelperTracePrintk.Info()
	fmt.Println(asm.HelperTracePrintk.Prototype())
	fmt.Println("since", i.Since, "GPL only:", i.GPL, "XDP:", i.In(6), "struct_ops:", i.In(27))
	fmt.Println(asm.HelperMapDeleteElem.Prototype())
	i, _ = asm.HelperMapDeleteElem.Info()
	fmt.Println(i.Args[0].Kind, i.Args[1].Kind)
	// Output:
	// long bpf_trace_printk(const char *fmt, __u32 fmt_size, ...)
	// since 4.1 GPL only: yes XDP: yes struct_ops: unknown
	// long bpf_map_delete_elem(void *map, const void *key)
	// map pointer
}

// probes are the programs that helpers are tried in: attach types and targets that a type needs.
var probes = []spec.Program{
	{Type: spec.ProgramSocketFilter}, {Type: spec.ProgramKprobe}, {Type: spec.ProgramSchedCls}, {Type: spec.ProgramSchedAct},
	{Type: spec.ProgramTracepoint}, {Type: spec.ProgramXDP}, {Type: spec.ProgramPerfEvent}, {Type: spec.ProgramCgroupSkb},
	{Type: spec.ProgramCgroupSock, AttachType: spec.AttachTypeCgroupInetSockCreate},
	{Type: spec.ProgramCgroupSock, AttachType: spec.AttachTypeCgroupInet4PostBind},
	{Type: spec.ProgramLWTIn}, {Type: spec.ProgramLWTOut}, {Type: spec.ProgramLWTXmit}, {Type: spec.ProgramSockOps},
	{Type: spec.ProgramSkSkb}, {Type: spec.ProgramCgroupDevice, AttachType: spec.AttachTypeCgroupDevice}, {Type: spec.ProgramSkMsg}, {Type: spec.ProgramRawTracepoint},
	{Type: spec.ProgramCgroupSockAddr, AttachType: spec.AttachTypeCgroupInet4Bind},
	{Type: spec.ProgramCgroupSockAddr, AttachType: spec.AttachTypeCgroupInet4Connect},
	{Type: spec.ProgramLWTSeg6local}, {Type: spec.ProgramLircMode2}, {Type: spec.ProgramSkReuseport},
	{Type: spec.ProgramFlowDissector}, {Type: spec.ProgramCgroupSysctl, AttachType: spec.AttachTypeCgroupSysctl}, {Type: spec.ProgramRawTracepointWritable},
	{Type: spec.ProgramCgroupSockopt, AttachType: spec.AttachTypeCgroupSetsockopt},
	{Type: spec.ProgramCgroupSockopt, AttachType: spec.AttachTypeCgroupGetsockopt},
	{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceRawTp, AttachTo: "sched_switch"},
	{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: "bpf_fentry_test1"},
	{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceIter, AttachTo: "task"},
	{Type: spec.ProgramLSM, AttachType: spec.AttachTypeLSMMac, AttachTo: "file_open"},
	{Type: spec.ProgramSkLookup, AttachType: spec.AttachTypeSkLookup}, {Type: spec.ProgramSyscall, Flags: spec.FlagSleepable},
	{Type: spec.ProgramNetfilter, AttachType: spec.AttachTypeNetfilter},
}

// laterRefused are helpers that the kernel lets these programs call, but whose maps it refuses
// them.
var laterRefused = []asm.Helper{
	asm.HelperSpinLock, asm.HelperSpinUnlock, asm.HelperTimerInit, asm.HelperTimerStart, asm.HelperTimerCancel, asm.HelperTimerSetCallback,
}

// TestHelpersOnKernel asks the kernel for every helper and type of program whether it can be
// called, and holds the table against the answers. What a kernel was built without does not count
// against it. The table is that of Linux 6.18; of others the differences are only told.
func TestHelpersOnKernel(t *testing.T) {
	k := needKernel(t)
	wrong := t.Logf
	if v, err := k.Version(); err == nil && v>>8 == 6<<8|18 {
		wrong = t.Errorf
	}
	gpl := map[asm.Helper]asm.Tristate{}
	for _, p := range probes {
		if err := tryHelper(k, "GPL", p, asm.HelperMapLookupElem); errors.Is(err, errNotTried) {
			t.Logf("%v (%v) cannot be tried: %v", p.Type, p.AttachType, err)
			continue
		}
		for h := asm.HelperMapLookupElem; h <= lastHelper; h++ {
			i, _ := h.Info()
			err := tryHelper(k, "GPL", p, h)
			switch {
			case errors.Is(err, errNotTried):
				t.Errorf("%v in %v: %v", h, p.Type, err)
			case err != nil && i.In(uint32(p.Type)) == asm.Yes:
				t.Logf("%v in %v (%v): the table allows it: %v", h, p.Type, p.AttachType, err)
			case err == nil && i.In(uint32(p.Type)) != asm.Yes && !slices.Contains(laterRefused, h):
				wrong("%v in %v (%v): the kernel allows it, the table says %v", h, p.Type, p.AttachType, i.In(uint32(p.Type)))
			}
			if err == nil && gpl[h] == asm.Unknown {
				gpl[h] = asm.No
				if errors.Is(tryHelper(k, "", p, h), errLicense) {
					gpl[h] = asm.Yes
				}
			}
		}
	}
	for h := asm.HelperMapLookupElem; h <= lastHelper; h++ {
		i, _ := h.Info()
		switch {
		case gpl[h] == asm.Unknown:
			t.Logf("%v cannot be called by any program here; GPL only: %v, since %v", h, i.GPL, i.Since)
		case gpl[h] != i.GPL:
			wrong("%v: GPL only: %v says the kernel, %v the table", h, gpl[h], i.GPL)
		}
	}
}

var (
	errNotTried = errors.New("no answer about the helper")
	errRefused  = errors.New("helper is not for this program")
	errLicense  = errors.New("helper is for the GPL only")
)

// tryHelper loads a program that calls the helper at once. That the arguments are wrong does not
// matter: the kernel looks at them last.
func tryHelper(k *loader.Kernel, license string, p spec.Program, h asm.Helper) error {
	p.Name = "probe"
	p.Insns = spec.NewInsns(asm.Call(h), asm.Mov64Imm(asm.R0, 0), asm.Exit())
	c, err := tryLoad(k, license, &p)
	if err == nil {
		c.Close()
		return nil
	}
	var old *loader.FeatureError
	if errors.As(err, &old) && strings.HasPrefix(old.Feature, "calls of ") {
		return errRefused
	}
	var v *loader.VerifierError
	if !errors.As(err, &v) {
		return fmt.Errorf("%w: %w", errNotTried, err)
	}
	switch {
	case strings.Contains(v.Log, "GPL-restricted"), strings.Contains(v.Log, "must be GPL compatible"), strings.Contains(v.Log, "must have a GPL compatible license"):
		return errLicense
	case strings.Contains(v.Log, "cannot use helper"), strings.Contains(v.Log, "unknown func"), strings.Contains(v.Log, "invalid func"):
		return errRefused
	}
	return nil
}
