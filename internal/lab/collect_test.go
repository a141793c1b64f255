package lab

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// packed is an archive of files as the machine sends it.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	whole := packed(t, map[string]string{"./a": "1", "b/c": "2"})
	for _, c := range []struct {
		name string
		in   []byte
		ok   bool
		want map[string]string
	}{
		{"files", whole, true, map[string]string{"a": "1", "b/c": "2"}},
		{"nothing", nil, true, nil},
		{"cut off", whole[:len(whole)-9], false, nil},
		{"damaged", append([]byte("x"), whole...), false, nil},
		{"outside", packed(t, map[string]string{"../a": "1"}), false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			in := filepath.Join(dir, "in")
			if err := os.WriteFile(in, c.in, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := unpack(in, filepath.Join(dir, "to")); (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
			for name, want := range c.want {
				if got, err := os.ReadFile(filepath.Join(dir, "to", name)); string(got) != want {
					t.Errorf("%s is %q (%v)", name, got, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "a")); err == nil {
				t.Error("wrote outside its folder")
			}
		})
	}
}
