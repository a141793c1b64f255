package asm

import "errors"

// Assemble reads instructions as Parse does and returns their bytes. Calls and addresses of functions
// by name lead to the .func of that name in the text.
//
// The error is a *ParseError, also where the text can be read and cannot be encoded: a function is not
// there, a map, a variable or something of the kernel is named, which only a loader can resolve, or
// there is one of the errors of AppendEncode.
func Assemble(text string, o EncodeOptions) ([]byte, error) {
	p := parser{names: map[symbolKey]int{}, keepPlaces: true}
	if err := p.parse(text); err != nil {
		return nil, err
	}
	if err := (resolver{&p}).link(); err != nil {
		return nil, err
	}
	code, err := AppendEncode(nil, p.listing.Insns, o)
	if e := (*Error)(nil); errors.As(err, &e) {
		return nil, resolver{&p}.failure(e.Index, e.Err.Error())
	}
	return code, err
}

// place is where an instruction stands in the text.
type place struct{ row, at int }

// failure returns an error about an instruction.
func (p resolver) failure(insn int, reason string) error {
	var at place
	if insn < len(p.places) {
		at = p.places[insn]
	}
	return &ParseError{Line: at.row, Column: at.at + 1, Reason: reason}
}

// link makes labels of the names of functions.
func (p resolver) link() error {
	insns := p.listing.Insns
	starts := make(map[string]int, len(p.listing.Funcs))
	used := make(map[Label]bool, len(p.symbols))
	for i := range insns {
		used[insns[i].Label] = true
		name, ok := p.listing.Funcs[i]
		if !ok {
			continue
		}
		if _, dup := starts[name]; dup {
			return p.failure(i, "function "+show(name)+" is defined twice")
		}
		starts[name] = i
	}
	next := Label(1)
	for i := range insns {
		in := &insns[i]
		switch in.Ref {
		case RefNone, RefLabel:
			continue
		case RefFunc:
		default:
			return p.failure(i, in.Ref.String()+" "+show(in.Symbol)+" is a name that only a loader can resolve")
		}
		at, ok := starts[in.Symbol]
		if !ok {
			return p.failure(i, "function "+show(in.Symbol)+" is not defined")
		}
		if insns[at].Label == 0 {
			for used[next] {
				next++
			}
			insns[at].Label = next
			next++
		}
		in.SetTarget(insns[at].Label)
	}
	return nil
}
