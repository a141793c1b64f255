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

func TestOutside(t *testing.T) {
	const symbols = `0000000000001000 A cpu_variable
ffffffff81000100 T last_but_one
ffffffff81000000 T first
ffffffff81000000 T alias
ffffffff81000180 t twice
ffffffff81000200 t twice
ffffffff81000210 t end
ffffffffa0000000 t f	[veth]
ffffffffa0000040 t g	[veth]
`
	for _, c := range []struct {
		symbols, function string
		offset            uint64
		want              string
	}{
		{symbols, "first", 0xff, ""},
		{symbols, "first", 0x100, "the function has 0x100 bytes, and offset 0x100 is in another one"},
		{symbols, "alias", 0x100000, "the function has 0x100 bytes, and offset 0x100000 is in another one"},
		{symbols, "twice", 0x20, "the function has 0x10 bytes, and offset 0x20 is in another one"},
		{symbols, "veth:f", 0x3f, ""},
		{symbols, "veth:f", 0x40, "the function has 0x40 bytes, and offset 0x40 is in another one"},
		{symbols, "veth:g", 1 << 20, ""},
		{symbols, "nosuch", 1 << 20, ""},
		{"0000000000000000 T first\n", "first", 4, "the kernel shows no addresses (kernel.kptr_restrict), so it cannot be told whether the offset is within the function"},
	} {
		if got := outside([]byte(c.symbols), c.function, c.offset); got != c.want {
			t.Errorf("%s+%#x: %q, want %q", c.function, c.offset, got, c.want)
		}
	}
}
