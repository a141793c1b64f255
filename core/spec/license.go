package spec

// GPLCompatible reports whether the kernel takes the license of the collection for one that is
// compatible with the GPL (include/linux/license.h, license_is_gpl_compatible).
func (c *Collection) GPLCompatible() bool {
	switch c.License {
	case "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL":
		return true
	}
	return false
}

// NeedsGPL reports whether the kernel loads programs of the type only under a license that is
// compatible with the GPL (kernel/bpf/bpf_lsm.c, bpf_lsm_verify_prog; kernel/bpf/verifier.c,
// check_struct_ops_btf_id).
func (p ProgramType) NeedsGPL() bool { return p == ProgramLSM || p == ProgramStructOps }
