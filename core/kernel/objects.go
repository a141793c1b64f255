package kernel

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TypesInfo is what the kernel says about type information that it holds.
type TypesInfo struct {
	ID       uint32
	Name     string   // "vmlinux", or that of a module; empty for what came with programs and maps
	Size     uint32   // bytes
	Programs []uint32 // ids of the programs that it came with
	Maps     []uint32 // ids of the maps that it came with
}

// LoadedTypes lists all type information that is in the kernel, by id: its own, that of its modules, and what programs and maps
// brought. It takes CAP_SYS_ADMIN.
func (k *Kernel) LoadedTypes() ([]TypesInfo, error) {
	var list []TypesInfo
	at := make(map[uint32]int) // by id
	err := eachObject(sys.BTFs, func(id uint32, fd *sys.FD) error {
		_, size, name, err := sys.BTFHeader(fd)
		if err == nil {
			at[id] = len(list)
			list = append(list, TypesInfo{ID: id, Name: name, Size: size})
		}
		return err
	})
	if err == nil {
		err = eachObject(sys.Progs, func(id uint32, fd *sys.FD) error {
			var info sys.ProgInfo
			err := sys.InfoOfProg(fd, &info)
			if i, ok := at[info.BTFID]; ok && err == nil {
				list[i].Programs = append(list[i].Programs, id)
			}
			return err
		})
	}
	if err == nil {
		err = eachObject(sys.Maps, func(id uint32, fd *sys.FD) error {
			info, err := sys.InfoOfMap(fd)
			if i, ok := at[info.BTFID]; ok && err == nil {
				list[i].Maps = append(list[i].Maps, id)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list types in the kernel: %w", Explain(err, sys.CapSysAdmin.String()))
	}
	return list, nil
}

// eachObject calls f for each object of a kind, by id. Those that go away meanwhile are left out.
func eachObject(kind sys.Kind, f func(id uint32, fd *sys.FD) error) error {
	for id := uint32(0); ; {
		var err error
		if id, err = sys.NextID(kind, id); errors.Is(err, sys.ENOENT) {
			return nil
		} else if err != nil {
			return err
		}
		fd, err := sys.OpenID(kind, id)
		if errors.Is(err, sys.ENOENT) {
			continue
		}
		if err == nil {
			err = f(id, fd)
			fd.Close()
		}
		if err != nil {
			return err
		}
	}
}

// TypesByID returns the type information of an id of LoadedTypes: a copy, or what Types and ModuleTypes return. It takes
// CAP_SYS_ADMIN. If there is no such id, the error
// wraps fs.ErrNotExist.
func (k *Kernel) TypesByID(id uint32) (*btf.Types, error) {
	t, err := k.typesByID(id)
	if err != nil {
		return nil, fmt.Errorf("read types of BTF object %d: %w", id, Explain(err, sys.CapSysAdmin.String()))
	}
	return t, nil
}

func (k *Kernel) typesByID(id uint32) (*btf.Types, error) {
	fd, err := sys.OpenID(sys.BTFs, id)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	_, _, name, err := sys.BTFHeader(fd)
	switch {
	case err != nil:
		return nil, err
	case name == vmlinux:
		return k.Types()
	case name != "":
		return k.ModuleTypes(name)
	}
	b, err := sys.BTFBytes(fd)
	if err != nil {
		return nil, err
	}
	return btf.Parse(b, btf.Options{})
}

// TypesOfProgram returns the type information that a program in the kernel came with, by the program's id, as TypesByID does. For a
// program without any the error wraps btf.ErrNotFound.
func (k *Kernel) TypesOfProgram(id uint32) (*btf.Types, error) {
	return k.typesOf("program", sys.Progs, id, func(fd *sys.FD) (uint32, error) {
		var info sys.ProgInfo
		err := sys.InfoOfProg(fd, &info)
		return info.BTFID, err
	})
}

// TypesOfMap is TypesOfProgram for a map.
func (k *Kernel) TypesOfMap(id uint32) (*btf.Types, error) {
	return k.typesOf("map", sys.Maps, id, func(fd *sys.FD) (uint32, error) {
		info, err := sys.InfoOfMap(fd)
		return info.BTFID, err
	})
}

func (k *Kernel) typesOf(what string, kind sys.Kind, id uint32, of func(*sys.FD) (uint32, error)) (*btf.Types, error) {
	fd, err := sys.OpenID(kind, id)
	if err != nil {
		return nil, fmt.Errorf("read types of %s %d: %w", what, id, Explain(err, sys.CapSysAdmin.String()))
	}
	defer fd.Close()
	types, err := of(fd)
	if err == nil && types == 0 {
		err = fmt.Errorf("it came with none: %w", btf.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read types of %s %d: %w", what, id, err)
	}
	return k.TypesByID(types)
}
