package vm

import "github.com/bpfhost/bpfhost/core/asm"

var lockHelpers = []helper{
	{asm.HelperSpinLock, spinLock},
	{asm.HelperSpinUnlock, spinUnlock},
}

// spinLock takes the only lock that a program may hold. Nobody else runs, so it is always free.
func spinLock(m *Machine, lock, _, _, _, _ uint64) uint64 {
	if m.write(lock, 4) != nil && m.locked != 0 {
		return m.stopf("%v: a lock is held already", asm.HelperSpinLock)
	}
	m.locked = lock
	return 0
}

func spinUnlock(m *Machine, lock, _, _, _, _ uint64) uint64 {
	if m.locked != lock {
		return m.stopf("%v: the lock is not held", asm.HelperSpinUnlock)
	}
	m.locked = 0
	return 0
}
