package lab

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadOrder(t *testing.T) {
	dir := t.TempDir()
	for name, deps := range map[string]string{"a": "b,c-d", "b": "c-d", "c-d": "", "other": ""} {
		text := "\x7fELF\x00license=GPL\x00depends=" + deps + "\x00intree=Y\x00"
		if err := os.WriteFile(filepath.Join(dir, name+".ko"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mods, err := loadOrder(&Image{Modules: dir}, []string{"a", "absent"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mods {
		got = append(got, m.name)
	}
	if d := cmp.Diff([]string{"c_d", "b", "a"}, got); d != "" {
		t.Error(d)
	}
}
