package kernel

import "testing"

func TestUnprobeable(t *testing.T) {
	const symbols = `ffffffff81000000 T _stext
ffffffff81000000 T fine
ffffffff81000100 t forbidden
ffffffff81000200 D data
ffffffff81000300 d both
ffffffff81000400 t both
ffffffff81000500 T _etext
ffffffff81000600 T data_as_code
ffffffff81000700 T _sinittext
ffffffff81000710 t init
ffffffff81000800 T _einittext
ffffffffa0000000 t fine	[veth]
ffffffffa0000100 b data_of_module	[veth]
`
	const list = `0xffffffff81000100-0xffffffff81000120	forbidden
0xffffffffa0000000-0xffffffffa0000020	fine [veth]
nonsense
`
	const hiddenSymbols = "0000000000000000 t forbidden\n0000000000000000 t fine\n"
	const hiddenList = "0x0000000000000000-0x0000000000000000\tforbidden\n"
	const isData = "it is data, not a function"
	const isForbidden = "the kernel lets nobody probe it there: it is in kprobes/blacklist of debugfs"
	for _, c := range []struct {
		symbols, list, symbol string
		offset                uint64
		want                  string
	}{
		{symbols, list, "fine", 0, ""},
		{symbols, list, "forbidden", 0, isForbidden},
		{symbols, list, "forbidden", 0x1f, isForbidden},
		{symbols, list, "forbidden", 0x20, ""},
		{symbols, "", "forbidden", 0, ""},
		{symbols, list, "data", 0, isData},
		{symbols, list, "data_as_code", 0, isData},
		{symbols, list, "init", 0, ""},
		{symbols, list, "both", 0, ""},
		{symbols, list, "veth:fine", 0, isForbidden},
		{symbols, list, "other:fine", 0, ""},
		{symbols, list, "veth:data_of_module", 0, isData},
		{symbols, list, "nosuch", 0, ""},
		{hiddenSymbols, hiddenList, "forbidden", 8, isForbidden},
		{hiddenSymbols, hiddenList, "fine", 0, ""},
	} {
		if got := unprobeable([]byte(c.symbols), []byte(c.list), c.symbol, c.offset); got != c.want {
			t.Errorf("%s+%#x: %q, want %q", c.symbol, c.offset, got, c.want)
		}
	}
}
