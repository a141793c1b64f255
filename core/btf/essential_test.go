package btf

import "testing"

func TestEssential(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "a": "a", "a__b": "a__b", "f___v2": "f", "___x": "___x", "task_struct": "task_struct", "task_struct___old": "task_struct", "a___b": "a",
		"a___b___c": "a___b", "a____b": "a____b", "a____b___c": "a____b", "___a": "___a", "a___": "a___",
		"a_____b": "a_____b", "a___b_": "a", "a___b____c": "a", "__a___b": "__a",
	} {
		if got := Essential(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
