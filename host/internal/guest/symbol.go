package guest

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
)

// symbols are the names that instruction records refer to by number, from 1 on.
type symbols struct {
	names []string
	ids   map[string]uint32
	bytes int
	held  *budget.Account
}

// Bounds of the symbols of one guest.
const (
	maxSymbols     = 1 << 16
	maxSymbolBytes = 8 << 20

	symbolBytes = 128 // that a symbol holds apart from its name
)

// id returns the number of a name, 0 for the empty one.
func (s *symbols) id(name string) (uint32, error) {
	if name == "" {
		return 0, nil
	}
	if id, ok := s.ids[name]; ok {
		return id, nil
	}
	switch {
	case len(s.names) >= maxSymbols:
		return 0, budget.TooMany("symbols", len(s.names)+1, maxSymbols, "")
	case s.bytes+len(name) > maxSymbolBytes:
		return 0, budget.TooLarge("symbols", s.bytes+len(name), maxSymbolBytes, "")
	}
	if err := s.held.Take(symbolBytes + len(name)); err != nil {
		return 0, err
	}
	if s.ids == nil {
		s.ids = make(map[string]uint32)
	}
	s.names = append(s.names, name)
	s.bytes += len(name)
	s.ids[name] = uint32(len(s.names))
	return uint32(len(s.names)), nil
}

// name returns the name that has a number.
func (s *symbols) name(id uint32) (string, error) {
	if id == 0 || uint64(id) > uint64(len(s.names)) {
		return "", failf(abi.ErrNoent, "symbol %d does not exist; sym makes one of a name", id)
	}
	return s.names[id-1], nil
}

// Sym returns the number of a name.
func (x insnCalls) Sym(name []byte) int32 {
	if len(name) == 0 {
		return x.reply(abi.FuncSym, 0, failf(abi.ErrInval, "a symbol needs a name"))
	}
	id, err := x.symbols.id(string(name))
	return x.reply(abi.FuncSym, int(id), err)
}

// SymName returns the name that has a number.
func (x insnCalls) SymName(id uint32, name []byte) int32 {
	s, err := x.symbols.name(id)
	if err != nil {
		return x.reply(abi.FuncSymName, 0, err)
	}
	return abi.CopyOut(name, []byte(s))
}
