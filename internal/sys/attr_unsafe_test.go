package sys

import (
	"testing"
	"unsafe"
)

// TestAttrLayout holds the structs against the offsets of union bpf_attr and the info structs, as
// the C compiler lays them out (include/uapi/linux/bpf.h).
func TestAttrLayout(t *testing.T) {
	var (
		mc MapCreate
		me mapElem
		mb mapBatch
		pl ProgLoad
		pt progTest
		rt rawTracepoint
		bl BTFLoad
		lt LinkCreateTracing
		lp LinkCreatePerf
		lm LinkCreateMprog
		la LinkCreateAny
		mi MapInfo
		pi ProgInfo
		bi BTFInfo
		li LinkInfo
	)
	for _, x := range []struct {
		name      string
		got, want uintptr
	}{
		{"map_create.map_name", unsafe.Offsetof(mc.Name), 28},
		{"map_create.btf_fd", unsafe.Offsetof(mc.BTFFD), 48},
		{"map_create.btf_value_type_id", unsafe.Offsetof(mc.ValueTypeID), 56},
		{"map_create.map_extra", unsafe.Offsetof(mc.Extra), 64},
		{"map_create.map_token_fd", unsafe.Offsetof(mc.TokenFD), 76},
		{"link_create.kprobe_multi.flags", unsafe.Offsetof(la.Rest), 16},
		{"elem.key", unsafe.Offsetof(me.Key), 8},
		{"elem.flags", unsafe.Offsetof(me.Flags), 24},
		{"batch.count", unsafe.Offsetof(mb.Count), 32},
		{"batch.flags", unsafe.Offsetof(mb.Flags), 48},
		{"prog_load.log_buf", unsafe.Offsetof(pl.LogBuf), 32},
		{"prog_load.prog_name", unsafe.Offsetof(pl.Name), 48},
		{"prog_load.expected_attach_type", unsafe.Offsetof(pl.ExpectedAttachType), 68},
		{"prog_load.func_info", unsafe.Offsetof(pl.FuncInfo), 80},
		{"prog_load.line_info", unsafe.Offsetof(pl.LineInfo), 96},
		{"prog_load.attach_btf_id", unsafe.Offsetof(pl.AttachBTFID), 108},
		{"prog_load.fd_array", unsafe.Offsetof(pl.FDArray), 120},
		{"prog_load.log_true_size", unsafe.Offsetof(pl.LogTrueSize), 140},
		{"prog_load.prog_token_fd", unsafe.Offsetof(pl.TokenFD), 144},
		{"sizeof prog_load", unsafe.Sizeof(pl), 152},
		{"test.data_in", unsafe.Offsetof(pt.DataIn), 16},
		{"test.repeat", unsafe.Offsetof(pt.Repeat), 32},
		{"test.ctx_in", unsafe.Offsetof(pt.CtxIn), 48},
		{"test.batch_size", unsafe.Offsetof(pt.BatchSize), 72},
		{"raw_tracepoint.cookie", unsafe.Offsetof(rt.Cookie), 16},
		{"btf_load.btf_size", unsafe.Offsetof(bl.Size), 16},
		{"btf_load.btf_log_true_size", unsafe.Offsetof(bl.LogTrueSize), 28},
		{"link_create.tracing.cookie", unsafe.Offsetof(lt.Cookie), 24},
		{"link_create.perf_event.bpf_cookie", unsafe.Offsetof(lp.Cookie), 16},
		{"link_create.tcx.expected_revision", unsafe.Offsetof(lm.Revision), 24},
		{"map_info.name", unsafe.Offsetof(mi.Name), 24},
		{"map_info.btf_id", unsafe.Offsetof(mi.BTFID), 64},
		{"map_info.map_extra", unsafe.Offsetof(mi.Extra), 80},
		{"prog_info.load_time", unsafe.Offsetof(pi.LoadTime), 40},
		{"prog_info.name", unsafe.Offsetof(pi.Name), 64},
		{"prog_info.btf_id", unsafe.Offsetof(pi.BTFID), 128},
		{"prog_info.run_time_ns", unsafe.Offsetof(pi.RunTimeNs), 192},
		{"prog_info.verified_insns", unsafe.Offsetof(pi.VerifiedInsns), 216},
		{"sizeof prog_info", unsafe.Sizeof(pi), 232},
		{"btf_info.kernel_btf", unsafe.Offsetof(bi.Kernel), 28},
		{"link_info.union", unsafe.Offsetof(li.Extra), 16},
	} {
		if x.got != x.want {
			t.Errorf("%s: %d, want %d", x.name, x.got, x.want)
		}
	}
}
