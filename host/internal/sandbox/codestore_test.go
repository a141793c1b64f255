package sandbox

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
)

func TestCodeStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "code")
	var damaged []string
	s, err := NewCodeStore(EngineOptions{CacheDir: dir, Damaged: func(file string) { damaged = append(damaged, file) }})
	if err != nil {
		t.Fatal(err)
	}
	module := sha256.Sum256([]byte("module"))
	if got := s.Load(module); len(got) != 0 {
		t.Errorf("an empty store has %v", got)
	}
	for _, name := range []string{"../x", "/x", "a/../../x", "", ".", "a//b", sumsFile} {
		if err := s.Save(module, []CodeFile{{name, nil}}); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
	if err := s.Save(module, make([]CodeFile, maxCodeFiles+1)); err == nil {
		t.Error("it takes any number of files")
	}
	if err := s.Save(module, []CodeFile{{"v1/code", []byte("native")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(module, []CodeFile{{"v2/code", []byte("newer")}}); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range s.Load(module) {
		got[f.Name] = string(f.Data)
	}
	if len(got) != 2 || got["v1/code"] != "native" || got["v2/code"] != "newer" {
		t.Errorf("it kept %v", got)
	}
	path := filepath.Join(s.cache.folder(module), "v1", "code")
	if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.Load(module); len(got) != 1 || got[0].Name != "v2/code" || len(damaged) != 1 || damaged[0] != path {
		t.Errorf("of damaged code it returns %v; damaged are %v", got, damaged)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := NewCodeStore(EngineOptions{CacheDir: dir}); err == nil {
		t.Error("it takes a directory that others can read")
	}
}
