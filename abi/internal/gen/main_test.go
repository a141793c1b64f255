package main

import "testing"

// TestGenerated fails while a file differs from what the table says.
func TestGenerated(t *testing.T) {
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	files, err := outdated(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Errorf("%s is out of date; run go generate ./abi", f.path)
	}
}

func TestCamel(t *testing.T) {
	for in, want := range map[string]string{
		"insn_splice": "InsnSplice", "abi_info": "ABIInfo", "xdp": "XDP", "lru_percpu_hash": "LRUPerCPUHash", "at": "At",
	} {
		if got := camel(in); got != want {
			t.Errorf("camel(%q) = %q, want %q", in, got, want)
		}
	}
	if got := lowerCamel("map"); got != "map_" {
		t.Errorf("lowerCamel(map) = %q, want map_, since map is a keyword", got)
	}
}
