package isolate

import (
	"os"
	"path/filepath"
	"testing"
)

func TestArchive(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	want := map[string]string{"a/b/code": "native", "a/sha256sums": "", "top": "x"}
	for name, text := range want {
		path := filepath.Join(from, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := countFiles(from); err != nil || n != len(want) {
		t.Fatal(n, err)
	}
	archive, err := pack(from)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := unpack(to, archive); err != nil || n != len(want) {
		t.Fatal(n, err)
	}
	for name, text := range want {
		if b, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(name))); err != nil || string(b) != text {
			t.Errorf("%s is %q, %v", name, b, err)
		}
	}
	for n := 1; n < len(archive); n++ {
		if list, err := files(archive[:n]); err == nil && len(list) == len(want) {
			t.Errorf("the first %d bytes are the archive", n)
		}
	}
	if list, err := files(nil); err != nil || len(list) != 0 {
		t.Errorf("nothing is %v, %v", list, err)
	}
}

// FuzzArchive has any bytes for an archive.
func FuzzArchive(f *testing.F) {
	f.Add(appendFile(appendFile(nil, "a/b", []byte("data")), "c", nil))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := files(b)
		if err != nil {
			return
		}
		var again []byte
		for _, file := range list {
			again = appendFile(again, file.Name, file.Data)
		}
		if string(again) != string(b) {
			t.Errorf("%d files of %d bytes are %d bytes again", len(list), len(b), len(again))
		}
	})
}
