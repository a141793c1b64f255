package spec

import "strings"

// flagFact is what is known of one flag: its name, BPF_F_… in lower case, and since when kernels
// accept it; zero when Oldest does.
type flagFact struct {
	bit   uint32
	name  string
	since Version
}

// mapFlagFacts has the flags that a map is created with, by number, as far as they change what the
// map is.
var mapFlagFacts = []flagFact{
	{1 << 0, "no_prealloc", Version{}},
	{1 << 1, "no_common_lru", Version{}},
	{1 << 2, "numa_node", Version{}},
	{1 << 3, "rdonly", Version{}},
	{1 << 4, "wronly", Version{}},
	{1 << 5, "stack_build_id", Version{}},
	{1 << 6, "zero_seed", Version{}},
	{1 << 7, "rdonly_prog", Version{}},
	{1 << 8, "wronly_prog", Version{}},
	{1 << 9, "clone", Version{}},
	{1 << 10, "mmapable", Version{}},
	{1 << 11, "preserve_elems", Version{}},
	{1 << 12, "inner_map", Version{}},
	{uint32(FlagLink), "link", Version{6, 4}},
	{1 << 15, "vtype_btf_obj_fd", Version{6, 9}},
	{1 << 16, "token_fd", Version{6, 9}},
	{1 << 17, "segv_on_fault", Version{6, 9}},
	{1 << 18, "no_user_conv", Version{6, 9}},
	{1 << 19, "rb_overwrite", Version{6, 19}},
}

// programFlagFacts has the flags that a program is loaded with, by number. BPF_F_XDP_DEV_BOUND_ONLY
// is not among them: it takes a device.
var programFlagFacts = []flagFact{
	{1 << 0, "strict_alignment", Version{}},
	{1 << 1, "any_alignment", Version{}},
	{1 << 2, "test_rnd_hi32", Version{}},
	{1 << 3, "test_state_freq", Version{}},
	{uint32(FlagSleepable), "sleepable", Version{}},
	{uint32(FlagXDPFrags), "xdp_has_frags", Version{5, 18}},
	{1 << 7, "test_reg_invariants", Version{6, 8}},
	{1 << 16, "token_fd", Version{6, 9}},
}

// AllMapFlags returns the creation flags that have a name, in the order of their bits.
func AllMapFlags() []MapFlags { return allFlags[MapFlags](mapFlagFacts) }

// AllProgramFlags returns the load flags that have a name, in the order of their bits.
func AllProgramFlags() []ProgramFlags { return allFlags[ProgramFlags](programFlagFacts) }

// Names returns the names of the flags, "no_prealloc|mmapable". Bits without a name are left out.
func (f MapFlags) Names() string { return flagNames(mapFlagFacts, uint32(f)) }

// Names returns the names of the flags, "sleepable". Bits without a name are left out.
func (f ProgramFlags) Names() string { return flagNames(programFlagFacts, uint32(f)) }

// Since returns the first version that accepts all of the flags; zero when Oldest does.
func (f MapFlags) Since() Version { return flagsSince(mapFlagFacts, uint32(f)) }

// Since returns the first version that accepts all of the flags; zero when Oldest does. What may
// sleep differs by the type of the program, see Program.Requirements.
func (f ProgramFlags) Since() Version { return flagsSince(programFlagFacts, uint32(f)) }

// ParseMapFlag returns the creation flag of that name.
func ParseMapFlag(name string) (MapFlags, bool) { return parseFlag[MapFlags](mapFlagFacts, name) }

// ParseProgramFlag returns the load flag of that name.
func ParseProgramFlag(name string) (ProgramFlags, bool) {
	return parseFlag[ProgramFlags](programFlagFacts, name)
}

func allFlags[F ~uint32](facts []flagFact) []F {
	all := make([]F, len(facts))
	for i, f := range facts {
		all[i] = F(f.bit)
	}
	return all
}

func flagNames(facts []flagFact, flags uint32) string {
	var names []string
	for _, f := range facts {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, "|")
}

func flagsSince(facts []flagFact, flags uint32) Version {
	var since Version
	for _, f := range facts {
		if flags&f.bit != 0 && f.since.Compare(since) > 0 {
			since = f.since
		}
	}
	return since
}

func parseFlag[F ~uint32](facts []flagFact, name string) (F, bool) {
	for _, f := range facts {
		if f.name == name {
			return F(f.bit), true
		}
	}
	return 0, false
}
