package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// SavedSchema names the form of a saved plan. Fields are only ever added to it.
const SavedSchema = "bpfhost.saved-plan/v1"

// Saved is a plan and what it was made from, as a file keeps it until it is applied. It is data to
// compare with: who applies it reads the inputs and plans again, and nothing in the file is loaded.
type Saved struct {
	Schema string `json:"schema"`
	Inputs
	Plan json.RawMessage `json:"plan"` // as Plan.MarshalJSON returns it
}

// Inputs are what a plan is made from.
type Inputs struct {
	Plugin     File       `json:"plugin"`
	Signature  *File      `json:"signature,omitempty"` // signatures of the plugin; nil is none
	Objects    []File     `json:"objects"`
	Policy     File       `json:"policy"`               // without a path it is the built-in one
	CoreTypes  *File      `json:"core_types,omitempty"` // types that CO-RE was computed for; nil is none
	Parameters Parameters `json:"parameters"`
	Kernel     KernelID   `json:"kernel"`
}

// File is a file that was read, or types that the kernel has.
type File struct {
	Path   string `json:"path,omitempty"` // or their name
	SHA256 string `json:"sha256"`         // of its bytes, in hex
}

// NewFile returns what is kept of a file with these bytes.
func NewFile(path string, b []byte) File { return File{Path: path, SHA256: digest(b)} }

// Parameters are what the operator passes to the plugin.
type Parameters struct {
	Set    map[string]string `json:"set"`
	Args   []string          `json:"args"`
	Object *ObjectParameters `json:"object,omitempty"` // of an object that runs without a plugin
	SHA256 string            `json:"sha256"`           // of the above as JSON, in hex
}

// ObjectParameters are the options of an object that runs without a plugin, whose variables are set
// by Parameters.Set. They are those of host.ObjectOptions.
type ObjectParameters struct {
	Attach   map[string][]string `json:"attach,omitempty"`
	Skip     []string            `json:"skip,omitempty"`
	MapSizes map[string]string   `json:"map_sizes,omitempty"`
	Types    map[string]string   `json:"types,omitempty"`
	Fields   []string            `json:"fields,omitempty"`
	Filter   string              `json:"filter,omitempty"`
}

// NewParameters returns parameters with their digest. object is nil for those of a plugin.
func NewParameters(set map[string]string, args []string, object *ObjectParameters) Parameters {
	p := Parameters{Set: set, Args: args, Object: object}
	if p.Set == nil {
		p.Set = map[string]string{}
	}
	if p.Args == nil {
		p.Args = []string{}
	}
	b, err := json.Marshal(p)
	if err != nil { // strings alone: cannot happen
		return p
	}
	p.SHA256 = digest(b)
	return p
}

// KernelID says which kernel a plan was made on.
type KernelID struct {
	Release         string   `json:"release"`          // as uname -r says it
	BTF             string   `json:"btf_sha256"`       // of the bytes of its types, in hex; empty is none
	SecurityModules []string `json:"security_modules"` // active ones, in order
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Save returns the text of a plan and what it was made from, for a file. LoadSaved reads it.
func Save(p *Plan, in Inputs) ([]byte, error) {
	s := Saved{Schema: SavedSchema, Inputs: in}
	var err error
	if s.Plan, err = p.timeless().MarshalJSON(); err != nil {
		return nil, fmt.Errorf("save plan: %w", err)
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("save plan: %w", err)
	}
	return append(quote.JSON(b), '\n'), nil
}

// LoadSaved reads what Save returned.
func LoadSaved(b []byte) (*Saved, error) {
	var s Saved
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&s)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more after the document")
		}
	}
	switch {
	case s.Schema != "" && s.Schema != SavedSchema:
		err = fmt.Errorf("its schema is %q, not %q", s.Schema, SavedSchema)
	case err == nil && (s.Schema == "" || len(s.Plan) == 0):
		err = errors.New("it has no schema or no plan")
	}
	if err != nil {
		return nil, fmt.Errorf("not a saved plan: %w; 'bpfhost plan --out' makes one", err)
	}
	return &s, nil
}

// Moved compares the inputs of a plan with what is there now. The error is a *MovedError.
func (in *Inputs) Moved(now *Inputs) error {
	var e MovedError
	file := func(what string, a, b *File) {
		e.add(what, a.digest(), b.digest())
	}
	file("plugin "+BaseName(in.Plugin.Path), &in.Plugin, &now.Plugin)
	file("signature", in.Signature, now.Signature)
	for i := range max(len(in.Objects), len(now.Objects)) {
		a, b := fileAt(in.Objects, i), fileAt(now.Objects, i)
		name := a
		if name == nil {
			name = b
		}
		file("object "+BaseName(name.Path), a, b)
	}
	policy := "built-in policy"
	if in.Policy.Path != "" {
		policy = "policy " + BaseName(in.Policy.Path)
	}
	file(policy, &in.Policy, &now.Policy)
	file("types for CO-RE", in.CoreTypes, now.CoreTypes)
	e.add("parameters", "sha256 "+in.Parameters.SHA256, "sha256 "+now.Parameters.SHA256)
	e.add("kernel release", in.Kernel.Release, now.Kernel.Release)
	e.add("kernel BTF", in.Kernel.btf(), now.Kernel.btf())
	e.add("security modules", strings.Join(in.Kernel.SecurityModules, ","), strings.Join(now.Kernel.SecurityModules, ","))
	return e.err()
}

func fileAt(list []File, i int) *File {
	if i >= len(list) {
		return nil
	}
	return &list[i]
}

func (f *File) digest() string {
	if f == nil {
		return ""
	}
	return "sha256 " + f.SHA256
}

func (k *KernelID) btf() string {
	if k.BTF == "" {
		return ""
	}
	return "sha256 " + k.BTF
}

// Same compares the saved plan with one that was made again, byte for byte. The error is a
// *MovedError that names the first difference.
func (s *Saved) Same(p *Plan) error {
	now, err := p.timeless().MarshalJSON()
	if err != nil {
		return fmt.Errorf("compare plans: %w", err)
	}
	var was bytes.Buffer
	if err := json.Compact(&was, s.Plan); err != nil {
		return fmt.Errorf("compare plans: %w", err)
	}
	if bytes.Equal(was.Bytes(), now) {
		return nil
	}
	what, old, new := firstDifference(was.Bytes(), now)
	return &MovedError{[]Move{{"plan: " + what, old, new}}}
}

// MovedError says what of a saved plan is not as it was.
type MovedError struct{ Moves []Move }

// Move is one thing that changed.
type Move struct {
	What     string
	Old, New string // empty is nothing
}

func (e *MovedError) add(what, old, now string) {
	if old != now {
		e.Moves = append(e.Moves, Move{what, old, now})
	}
}

func (e *MovedError) err() error {
	if len(e.Moves) == 0 {
		return nil
	}
	return e
}

// Error is one line, terminal-safe, that names everything with what it was and what it is.
func (e *MovedError) Error() string {
	list := make([]string, len(e.Moves))
	for i, m := range e.Moves {
		list[i] = fmt.Sprintf("%s from %s to %s", m.What, orNothing(m.Old), orNothing(m.New))
	}
	return quote.Text("what the plan was made from has changed: " + strings.Join(list, "; ") + "; plan again")
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
