package module

import "time"

// Limits bound the structure of a module. A zero field takes the default in its comment. What real
// toolchains emit stays far below each of them.
type Limits struct {
	Bytes          int           // of the whole module; 16 MiB
	MemoryPages    int           // of 64 KiB that the memory starts with; 512
	Types          int           // 16,384
	Params         int           // of one function type; 128
	Results        int           // of one function type; 16
	Imports        int           // 1,024
	Functions      int           // 65,536
	TableEntries   int           // that the table starts with; 65,536
	Globals        int           // 10,000
	Exports        int           // 1,024
	Elements       int           // element segments; 10,000
	ElementEntries int           // of all element segments; 131,072
	Data           int           // data segments; 100,000
	Names          int           // in the name section; 1,000,000
	Custom         int           // custom sections; 1,000
	BodyBytes      int           // of one function; 384 KiB
	Locals         int           // of one function; 50,000
	ModuleLocals   int           // of all functions; 2,000,000
	Nesting        int           // blocks, loops and ifs in each other; 4,096
	BranchTargets  int           // of one br_table; 8,192
	OperandStack   int           // values of one function at a time; 16,384
	CompileTime    time.Duration // that the compiler is predicted to need; 2 s
}

// WithDefaults returns l with its zero fields filled.
func (l Limits) WithDefaults() Limits {
	fill(&l.Bytes, 16<<20)
	fill(&l.MemoryPages, 512)
	fill(&l.Types, 16_384)
	fill(&l.Params, 128)
	fill(&l.Results, 16)
	fill(&l.Imports, 1_024)
	fill(&l.Functions, 65_536)
	fill(&l.TableEntries, 65_536)
	fill(&l.Globals, 10_000)
	fill(&l.Exports, 1_024)
	fill(&l.Elements, 10_000)
	fill(&l.ElementEntries, 131_072)
	fill(&l.Data, 100_000)
	fill(&l.Names, 1_000_000)
	fill(&l.Custom, 1_000)
	fill(&l.BodyBytes, 384<<10)
	fill(&l.Locals, 50_000)
	fill(&l.ModuleLocals, 2_000_000)
	fill(&l.Nesting, 4_096)
	fill(&l.BranchTargets, 8_192)
	fill(&l.OperandStack, 16_384)
	fill(&l.CompileTime, 2*time.Second)
	return l
}

// fill sets what is zero.
func fill[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}
