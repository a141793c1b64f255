// Package vm runs eBPF programs in user space: without root, without Linux, the same way each time.
//
//	c, err := elf.LoadBytes(object, elf.Options{})
//	…
//	m, err := vm.New(c, vm.Options{})
//	…
//	r, err := m.Run("pktguard", vm.Input{Packet: frame})
//
// Compiled programs run as they are: stack, context, packet, maps and rings are in one memory, whose
// addresses fit the 32 bits of xdp_md.data and __sk_buff.data. It begins at 64 KiB, so that NULL is
// nowhere. Each byte belongs to an object or to nothing, and a program that touches what is not its
// own is stopped with a [Fault], which says what it did and on which line.
//
// What is not simulated is refused by [New], which names helper, program and instruction, or the map;
// a run never finds that out.
//
// The machine is not the verifier: a program that runs here may be refused by a kernel. And how long
// a run takes says nothing about a kernel.
package vm
