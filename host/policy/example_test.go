package policy_test

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
)

// A plan is evaluated as a whole before it is applied.
func Example() {
	p, err := policy.Parse("strict.yaml", []byte(`
programs:
  types: [xdp]
  helpers: ["map_*", "!bpf_map_delete_elem"]
attach:
  xdp: ["veth*"]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	requests, err := policy.ParseRequests([]string{"program xdp", "helper bpf_map_*", "attach xdp:*"})
	if err != nil {
		fmt.Println(err)
		return
	}
	drop := &spec.Program{Name: "drop", Type: spec.ProgramXDP, Insns: spec.NewInsns(
		spec.Insn{Insn: asm.Call(asm.HelperMapDeleteElem)}, spec.Insn{Insn: asm.Exit()},
	)}
	final := &spec.Collection{
		Programs: []*spec.Program{drop},
		Attach:   []spec.Attach{{Program: "drop", Kind: spec.HookXDP, Target: "veth0"}},
	}
	accesses := policy.Accesses(policy.Final{Collections: []policy.Input{{Collection: final}}})
	for _, v := range p.Evaluate(requests, accesses) {
		fmt.Printf("%-5v %s | line %d: %s\n", v.Allowed, v.Access, v.Line, v.Rule)
	}
	fmt.Println(policy.FirstDenial(p.Evaluate(requests, accesses)))
	// Output:
	// true  program xdp (program drop) | line 3: allow program xdp
	// false helper bpf_map_delete_elem (insn 0 of drop) | line 4: deny helper bpf_map_delete_elem
	// true  insns 2 (program drop) | line 0: limit insns 1000000
	// true  attach xdp:veth0 (program drop) | line 6: allow attach xdp:veth*
	// true  programs 1 | line 0: limit programs 1024
	// policy strict.yaml:4 denies helper bpf_map_delete_elem (insn 0 of drop)
}

// Reading is strict, so that no restriction is lost by a slip of the pen.
func ExampleParse() {
	_, err := policy.Parse("strict.yaml", []byte("programs:\n  helper: [bpf_redirect]\n"))
	fmt.Println(err)
	_, err = policy.Parse("strict.yaml", []byte("maps: {types: [hsh]}"))
	fmt.Println(err)
	// Output:
	// read policy strict.yaml:2:3: unknown key helper; known here: freplace, helpers, kfuncs, ksyms, max, max_insns, modify_return, sleepable, struct_ops, syscall, types; did you mean helpers?
	// read policy strict.yaml:1:16: there is no map type hsh, did you mean hash?
}

// One act of a plugin is evaluated where it happens.
func ExamplePolicy_Decision() {
	requests, err := policy.ParseRequests([]string{"helper bpf_probe_write_user"})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := policy.Helper(asm.HelperProbeWriteUser)
	call.Where = "insn 31 of count_drops"
	fmt.Println(policy.BuiltIn().Decision(requests, call).Err())
	fmt.Println(policy.BuiltIn().Decision(requests, policy.MapRW("counts")).Err())
	// Output:
	// policy built-in default denies helper bpf_probe_write_user (insn 31 of count_drops): it writes memory of user processes; only a policy that names it grants it
	// plugin does not request map-rw counts
}
