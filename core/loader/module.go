package loader

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
)

// moduleFD returns the descriptor of a module's BTF object for the time of the load; 0 for the kernel proper.
func (l *session) moduleFD(module string) (uint32, error) {
	if module == "" {
		return 0, nil
	}
	fd, release, err := l.kernel.HoldModule(module)
	if err != nil {
		return 0, err
	}
	l.always = append(l.always, release)
	return uint32(fd), nil
}

// linkModules puts what says which module is meant into the code: a descriptor beside the id of a variable, and in
// the call of a function the place of the descriptor in the array that is returned. The first place is not used,
// since it would mean the kernel proper.
func (l *session) linkModules(p *prepared) (array []byte, err error) {
	places := make(map[string]int)
	for _, u := range p.Modules {
		fd, err := l.moduleFD(u.Module)
		if err != nil {
			return nil, fmt.Errorf("instruction %d: %w", u.Insn, err)
		}
		in := &p.Code[u.Insn]
		if in.Op == asm.OpLoadImm64 {
			in.Imm |= int64(fd) << 32
			continue
		}
		at, ok := places[u.Module]
		if !ok {
			if array == nil {
				array = native.AppendUint32(array, 0)
			}
			at = len(array) / 4
			places[u.Module] = at
			array = native.AppendUint32(array, fd)
		}
		in.Off = int16(at)
	}
	return array, nil
}
