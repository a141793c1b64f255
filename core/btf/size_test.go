package btf

import (
	"errors"
	"testing"
)

func TestSize(t *testing.T) {
	var b Builder
	i := b.Add(&Int{Name: "int", Size: 4})
	s := b.Add(&Struct{Name: "s", Size: 12})
	arr := func(to ID, n uint32) ID { return b.Add(&Array{Type: to, Index: i, Count: n}) }
	many := arr(arr(s, 1<<16), 1<<15)
	more := arr(arr(arr(s, 1<<16), 1<<15), 2)
	deep := i
	for range 3 * nearHops {
		deep = arr(deep, 1)
	}
	deep2 := arr(b.Add(&Const{deep}), 3)
	twos := b.Add(&Int{Name: "char", Size: 1})
	for range nearHops + 10 {
		twos = arr(twos, 2)
	}
	zero := arr(twos, 0)
	full := arr(b.Add(&Int{Name: "char", Size: 1}), 1<<32-1)
	fullDeep := full
	for range nearHops + 10 {
		fullDeep = arr(fullDeep, 1)
	}
	for name, c := range map[string]struct {
		id   ID
		size uint32
		err  error
	}{
		"void":                 {0, 0, ErrNoSize},
		"int":                  {i, 4, nil},
		"pointer":              {b.Add(&Pointer{s}), 8, nil},
		"struct":               {s, 12, nil},
		"array":                {arr(s, 5), 60, nil},
		"array of arrays":      {arr(arr(s, 5), 7), 420, nil},
		"flexible array":       {arr(s, 0), 0, nil},
		"const typedef":        {b.Add(&Const{b.Add(&Typedef{"t", s})}), 12, nil},
		"tagged":               {b.Add(&TypeTag{Tag: "t", Type: i}), 4, nil},
		"enum64":               {b.Add(&Enum{Name: "e", Size: 8, Wide: true}), 8, nil},
		"float":                {b.Add(&Float{"double", 8}), 8, nil},
		"variable":             {b.Add(&Var{Name: "v", Type: arr(i, 2)}), 8, nil},
		"forward":              {b.Add(&Fwd{Name: "f"}), 0, ErrNoSize},
		"prototype":            {b.Add(&FuncProto{}), 0, ErrNoSize},
		"B10 more than 4 GiB":  {many, 0, ErrTooBig},
		"B10 array of that":    {more, 0, ErrTooBig},
		"B10 2^32-1 of 12":     {arr(s, 1<<32-1), 0, ErrTooBig},
		"B10 product wraps":    {arr(arr(arr(s, 1<<31), 1<<31), 4), 0, ErrTooBig},
		"long chain of arrays": {deep, 4, nil},
		"longer one":           {deep2, 12, nil},
		"B10 2^74":             {twos, 0, ErrTooBig},
		"the largest":          {full, 1<<32 - 1, nil},
		"the largest, deep":    {fullDeep, 1<<32 - 1, nil},
		"none of 2^74":         {zero, 0, nil},
		"out of range":         {1 << 30, 0, ErrID},
	} {
		types, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			n, err := types.Size(c.id)
			if n != c.size || !errors.Is(err, c.err) {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	}
}

func TestAlign(t *testing.T) {
	var b Builder
	c := b.Add(&Int{Name: "char", Size: 1})
	i := b.Add(&Int{Name: "int", Size: 4})
	l := b.Add(&Int{Name: "long", Size: 8})
	two := b.Add(&Struct{Name: "two", Size: 8, Members: []Member{{Name: "a", Type: c}, {Name: "b", Type: i, Offset: 32}}})
	packed := b.Add(&Struct{Name: "packed", Size: 5, Members: []Member{{Name: "a", Type: c}, {Name: "b", Type: i, Offset: 8}}})
	short := b.Add(&Struct{Name: "short", Size: 5, Members: []Member{{Name: "a", Type: i}, {Name: "b", Type: c, Offset: 32}}})
	outer := b.Add(&Struct{Name: "outer", Size: 24, Members: []Member{
		{Name: "p", Type: packed}, {Name: "t", Type: two, Offset: 64}, {Name: "u", Type: two, Offset: 128}}})
	bits := b.Add(&Struct{Name: "bits", Size: 8, Members: []Member{{Name: "a", Type: l, Offset: 3, BitSize: 5}}})
	for name, c := range map[string]struct {
		id    ID
		align uint32
		err   error
	}{
		"char": {c, 1, nil}, "long": {l, 8, nil}, "two": {two, 4, nil}, "packed": {packed, 1, nil}, "packed by its size": {short, 1, nil},
		"outer": {outer, 4, nil}, "bits": {bits, 8, nil}, "empty": {b.Add(&Struct{}), 1, nil},
		"array":       {b.Add(&Array{Type: outer, Index: i, Count: 9}), 4, nil},
		"long double": {b.Add(&Float{"long double", 12}), 8, nil},
		"void":        {0, 0, ErrNoSize}, "fwd": {b.Add(&Fwd{}), 0, ErrNoSize},
	} {
		if n, err := build(t, &b).Align(c.id); n != c.align || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}
