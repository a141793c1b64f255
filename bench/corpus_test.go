package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// corpusVariable names a folder of more objects for TestCorpus.
const corpusVariable = "BPFHOST_CORPUS"

// corpusKnown are the programs that a peer loads and this library does not, each with its reason.
// Those of the peer's test data must still happen.
var corpusKnown = []struct{ object, program, reason string }{
	{"cilium/ebpf/testdata/loader", "asm_relocation", "MY_CONST does not exist: the peer leaves 0 where its value belongs"},
	{"cilium/ebpf/testdata/loader", "global_fn3", "a function that others call, in a section of unknown kind, is not a program"},
	{"cilium/ebpf/testdata/loader", "static_fn", "a static function that others call is not a program, as for libbpf"},
}

// corpusPeer is where the peer's test data is in the corpus.
const corpusPeer = "cilium/ebpf"

// corpusObject is an object of the corpus. All of the peer's are of one folder.
type corpusObject struct {
	folder, name string
	data         []byte
}

// corpus collects the objects that this machine can load: of Debian's packages, of the peer's test
// data, and of the folder that the environment names. Equal ones are taken once.
func corpus(t *testing.T) []corpusObject {
	t.Helper()
	found := installed(t)
	for name, b := range peerObjects(t) {
		found[filepath.Join(corpusPeer, name)+"#0"] = b
	}
	if dir := os.Getenv(corpusVariable); dir != "" {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			for i, o := range within(b) {
				found[fmt.Sprintf("%s#%d", path, i)] = o
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var out []corpusObject
	seen := make(map[[sha256.Size]byte]bool)
	little := binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	for _, name := range slices.Sorted(maps.Keys(found)) {
		b := found[name]
		sum := sha256.Sum256(b)
		if seen[sum] || len(b) < 6 || (b[5] == 1) != little {
			continue
		}
		seen[sum] = true
		folder := filepath.Dir(name)
		if strings.HasPrefix(name, corpusPeer+"/") {
			folder = corpusPeer
		}
		out = append(out, corpusObject{folder, strings.TrimSuffix(name, "#0"), b})
	}
	return out
}

// corpusSides are the libraries, in the order of the columns that are printed.
var corpusSides = [3]string{"bpfhost", corpusPeer, "libbpf"}

// TestCorpus loads every program of every object of the corpus into the running kernel, and
// attaches none: with this library, with cilium/ebpf and with libbpf. It prints how many programs
// each reads and loads. No program that a peer loads fails here without a reason in corpusKnown.
func TestCorpus(t *testing.T) {
	k := loader.NewKernel()
	t.Cleanup(func() { k.Close() })
	array := &spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	c, err := loader.Load(&spec.Collection{Maps: []*spec.Map{array}}, loader.Options{Kernel: k})
	kerneltest.Check(t, err)
	c.Close()
	libbpf := corpusLibbpf(t)
	var held corpusReport
	t.Run("objects", func(t *testing.T) {
		for _, o := range corpus(t) {
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				held.hold(t, o, [3]loads{loadOurs(o.data, k), loadCilium(o.data), libbpf(t, o.data)})
			})
		}
	})
	for i, known := range corpusKnown {
		if !held.happened[i] && strings.HasPrefix(known.object, corpusPeer) {
			t.Errorf("%q of %q does not happen any more", known.program, known.object)
		}
	}
	t.Log("\n" + held.String())
}

// loads is what a library does with an object: the error of loading each program that it reads. An
// object that it does not read has none.
type loads map[string]error

// loaded counts the programs that load.
func (l loads) loaded() int {
	n := 0
	for _, err := range l {
		if err == nil {
			n++
		}
	}
	return n
}

// corpusReport is what the libraries did with the corpus. It is safe for concurrent use.
type corpusReport struct {
	mu       sync.Mutex
	rows     []corpusRow
	happened map[int]bool // of corpusKnown
}

// corpusRow counts programs of an object or of a folder, by library.
type corpusRow struct {
	folder, name string
	read, loaded [3]int
}

// hold adds an object, and fails the test if a peer alone loads a program.
func (r *corpusReport) hold(t *testing.T, o corpusObject, by [3]loads) {
	t.Helper()
	row := corpusRow{folder: o.folder, name: o.name}
	for i, l := range by {
		row.read[i], row.loaded[i] = len(l), l.loaded()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, row)
	for side, peer := range by[1:] {
		for program, peerErr := range peer {
			err, read := by[0][program]
			if peerErr != nil || read && err == nil {
				continue
			}
			if !read {
				err = errors.New("it is not read as a program")
			}
			if !r.explain(o.name, program) {
				t.Errorf("program %s: %s loads it: %v", program, corpusSides[1+side], err)
			}
		}
	}
}

// explain reports whether a program that only a peer loads is a known one.
func (r *corpusReport) explain(object, program string) bool {
	i := slices.IndexFunc(corpusKnown, func(k struct{ object, program, reason string }) bool {
		return strings.Contains(object, k.object) && k.program == program
	})
	if i < 0 {
		return false
	}
	if r.happened == nil {
		r.happened = make(map[int]bool)
	}
	r.happened[i] = true
	return true
}

// String returns a table: the objects of each folder, the folder, and everything.
func (r *corpusReport) String() string {
	var b strings.Builder
	line := func(row corpusRow) {
		for i := range corpusSides {
			fmt.Fprintf(&b, "%5d %5d   ", row.read[i], row.loaded[i])
		}
		b.WriteString(row.name + "\n")
	}
	for _, side := range corpusSides {
		fmt.Fprintf(&b, "%-14s", side)
	}
	b.WriteString("programs read and loaded\n")
	slices.SortFunc(r.rows, func(x, y corpusRow) int {
		return 2*strings.Compare(x.folder, y.folder) + strings.Compare(x.name, y.name)
	})
	all := corpusRow{name: fmt.Sprintf("%d objects", len(r.rows))}
	for len(r.rows) > 0 {
		folder := corpusRow{folder: r.rows[0].folder}
		n := 0
		for ; n < len(r.rows) && r.rows[n].folder == folder.folder; n++ {
			line(r.rows[n])
			folder.add(r.rows[n])
		}
		folder.name = fmt.Sprintf("%d objects of %s\n", n, folder.folder)
		line(folder)
		all.add(folder)
		r.rows = r.rows[n:]
	}
	line(all)
	return b.String()
}

// add adds the counts of another row.
func (r *corpusRow) add(o corpusRow) {
	for i := range corpusSides {
		r.read[i] += o.read[i]
		r.loaded[i] += o.loaded[i]
	}
}
