package vm_test

import "testing"

// TestTranslated runs the tests of this package with programs translated to WebAssembly.
func TestTranslated(t *testing.T) {
	byDefault = engines[len(engines)-1]
	defer func() { byDefault = engine{} }()
	for _, tt := range []struct {
		name string
		test func(*testing.T)
	}{
		{"Bloom", TestBloom},
		{"BloomHelpers", TestBloomHelpers},
		{"Cgroups", TestCgroups},
		{"RedirectMap", TestRedirectMap},
		{"ReadsZero", TestReadsZero},
		{"Faults", TestFaults},
		{"FibLookup", TestFibLookup},
		{"Checksums", TestChecksums},
		{"ChecksumRefuses", TestChecksumRefuses},
		{"FunctionArguments", TestFunctionArguments},
		{"SpinLock", TestSpinLock},
		{"ProbeRead", TestProbeRead},
		{"Numbers", TestNumbers},
		{"Strncmp", TestStrncmp},
		{"Print", TestPrint},
		{"Snprintf", TestSnprintf},
		{"Process", TestProcess},
		{"SkbBytes", TestSkbBytes},
		{"FlowHash", TestFlowHash},
		{"Adjust", TestAdjust},
		{"AdjustBounds", TestAdjustBounds},
		{"XDPBytes", TestXDPBytes},
		{"Redirect", TestRedirect},
		{"Context", TestContext},
		{"Quickstart", TestQuickstart},
		{"Pktguard", TestPktguard},
		{"NewRefuses", TestNewRefuses},
		{"SameAgain", TestSameAgain},
		{"Map", TestMap},
		{"HashMany", TestHashMany},
		{"ForEach", TestForEach},
		{"Place", TestPlace},
		{"PlaceTooLarge", TestPlaceTooLarge},
		{"MapOfMaps", TestMapOfMaps},
		{"Perf", TestPerf},
		{"Queue", TestQueue},
		{"QueueHelpers", TestQueueHelpers},
		{"Ring", TestRing},
		{"RingOutput", TestRingOutput},
		{"RingHuge", TestRingHuge},
		{"TailCall", TestTailCall},
		{"Stacks", TestStacks},
		{"StacksCollide", TestStacksCollide},
		{"TaskStorage", TestTaskStorage},
		{"Storage", TestStorage},
		{"Var", TestVar},
		{"VarType", TestVarType},
		{"VarFrozen", TestVarFrozen},
	} {
		t.Run(tt.name, tt.test)
	}
}
