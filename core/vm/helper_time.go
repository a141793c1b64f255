package vm

import "github.com/bpfhost/bpfhost/core/asm"

var timeHelpers = []helper{
	{asm.HelperKtimeGetNs, ktime},
	{asm.HelperKtimeGetBootNs, ktime},
	{asm.HelperKtimeGetCoarseNs, ktime},
	{asm.HelperKtimeGetTaiNs, ktime},
	{asm.HelperJiffies64, jiffies},
	{asm.HelperGetPrandomU32, random},
}

func ktime(m *Machine, _, _, _, _, _ uint64) uint64 { return m.clock() }

// jiffies is in ticks of 4 ms, as with CONFIG_HZ=250.
func jiffies(m *Machine, _, _, _, _, _ uint64) uint64 { return m.clock() / 4e6 }

func random(m *Machine, _, _, _, _, _ uint64) uint64 { return m.random.Uint64() >> 32 }
