package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

// featuresSchema names the form of featuresDoc.
const featuresSchema = "bpfhost.features/v1"

// featuresDoc is what features prints and saves: a profile of a kernel. Fields are only ever added.
type featuresDoc struct {
	Schema   string              `json:"schema"`
	Kernel   kernelDoc           `json:"kernel"`
	File     string              `json:"for,omitempty"` // whose features they are; empty is all
	Features []featureDoc        `json:"features"`
	Helpers  map[string][]string `json:"helpers,omitempty"`  // by type of program: what it can call; those of types that are missing are unknown
	Programs []tryDoc            `json:"programs,omitempty"` // what --try came to
}

type kernelDoc struct {
	Release string `json:"release"`
	Arch    string `json:"arch"` // as Go names it
}

// featureDoc is one feature.
type featureDoc struct {
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Result   string   `json:"result"`             // yes, no or unknown
	Since    string   `json:"since,omitempty"`    // version of Linux, where it is younger than 5.10
	Detail   string   `json:"detail,omitempty"`   // why not, or why it is not known
	Users    []string `json:"users,omitempty"`    // of --for: what uses it
	Optional bool     `json:"optional,omitempty"` // of --for: the file does without

	what string
	err  error // why it is not known
}

// tryDoc is what became of one program of --try.
type tryDoc struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Result string `json:"result"` // loaded or refused
	Detail string `json:"detail,omitempty"`
}

// The results.
const (
	resultYes     = "yes"
	resultNo      = "no"
	resultUnknown = "unknown"
)

// bytes returns the document as it is saved.
func (d *featuresDoc) bytes() ([]byte, error) {
	b, err := json.MarshalIndent(d, "", "  ")
	return append(b, '\n'), err
}

// readProfile reads what bytes returned.
func (a app) readProfile(name string) (*featuresDoc, error) {
	b, err := a.readFile(name)
	if err != nil {
		return nil, err
	}
	var d featuresDoc
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, &inputError{fmt.Errorf("read profile %s: %w", name, err)}
	}
	if d.Schema != featuresSchema || d.File != "" {
		return nil, &inputError{fmt.Errorf("read profile %s: it is no profile of a kernel (%s), which 'bpfhost features --save' writes", name, featuresSchema)}
	}
	return &d, nil
}

// unknown returns an error if the kernel says of no type of program whether it has it.
func (d *featuresDoc) unknown() error {
	var first error
	for i := range d.Features {
		f := &d.Features[i]
		if f.Kind != spec.FeatureProgramType.String() {
			continue
		}
		if f.Result != resultUnknown {
			return nil
		}
		if first == nil {
			first = f.err
		}
	}
	return first
}

// missing returns an error about what the file cannot do without and the kernel lacks, or does not
// tell.
func (d *featuresDoc) missing() error {
	var lacks []string
	for i := range d.Features {
		if f := &d.Features[i]; f.Result == resultNo && !f.Optional {
			lacks = append(lacks, f.what)
		}
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%s needs what Linux %s lacks: %s%w", d.File, d.Kernel.Release, strings.Join(lacks, ", "), silent{kernel.ErrNotSupported})
	}
	for i := range d.Features {
		if f := &d.Features[i]; !f.Optional && f.err != nil {
			return f.err
		}
	}
	return nil
}

// silent is an error that is found and not read.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// lookUp returns what a profile says of what a file uses.
func (d *featuresDoc) lookUp(needs []spec.FeatureNeed) *featuresDoc {
	out := &featuresDoc{Schema: d.Schema, Kernel: d.Kernel, Features: []featureDoc{}}
	for _, n := range needs {
		doc := newFeatureDoc(n.Feature, nil)
		doc.Users, doc.Optional = n.Users, n.Optional
		doc.Result, doc.Detail = d.find(n.Feature)
		out.Features = append(out.Features, doc)
	}
	return out
}

// find returns what the profile says of a feature.
func (d *featuresDoc) find(f spec.Feature) (result, detail string) {
	if f.Kind == spec.FeatureHelper {
		list, ok := d.Helpers[f.Program.String()]
		switch {
		case !ok:
			return resultUnknown, "the profile has no helpers of such programs"
		case slices.Contains(list, f.Callee()):
			return resultYes, ""
		}
		return resultNo, ""
	}
	for i := range d.Features {
		if have := &d.Features[i]; have.Kind == f.Kind.String() && have.Name == f.String() {
			return have.Result, have.Detail
		}
	}
	return resultUnknown, "the profile does not have it"
}

// print prints the document.
func (d *featuresDoc) print(a app, how string) error {
	if how == "json" {
		return writeJSON(a.out, d)
	}
	var t table
	t.text("kernel %s %s", d.Kernel.Release, d.Kernel.Arch)
	for _, kind := range slices.Compact(kindsOf(d.Features)) {
		d.kindTable(&t, kind)
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(d.Helpers)) {
		rows = append(rows, []string{name, strconv.Itoa(len(d.Helpers[name]))})
	}
	t.block([]string{"PROGRAM TYPE", "HELPERS"}, rows)
	rows = nil
	for _, p := range d.Programs {
		rows = append(rows, []string{p.Name, p.Type, p.Result, p.Detail})
	}
	t.block([]string{"PROGRAM", "TYPE", "VERDICT", "DETAIL"}, rows)
	return t.write(a.out)
}

// kindTable adds the features of a kind: all, or of those of a file who uses them.
func (d *featuresDoc) kindTable(t *table, kind string) {
	head := []string{strings.ToUpper(strings.ReplaceAll(kind, "_", " ")), "RESULT", "SINCE"}
	if d.File != "" {
		head = append(head, "USED BY")
	}
	var rows [][]string
	for _, f := range d.Features {
		if f.Kind != kind {
			continue
		}
		result := f.Result
		if f.Optional && result == resultNo {
			result = "no, optional"
		}
		row := []string{f.Name, result, f.Since}
		if d.File != "" {
			row = append(row, strings.Join(f.Users, ", "))
		}
		rows = append(rows, append(row, f.Detail))
	}
	t.block(append(head, "DETAIL"), rows)
}

// kindsOf returns the kind of each feature.
func kindsOf(list []featureDoc) []string {
	kinds := make([]string, len(list))
	for i := range list {
		kinds[i] = list[i].Kind
	}
	return kinds
}

// featuresDiff is what --compare prints.
type featuresDiff struct {
	Schema      string           `json:"schema"`
	Here        kernelDoc        `json:"here"`
	There       kernelDoc        `json:"there"`
	Differences []featureDiffDoc `json:"differences"`
}

// featureDiffDoc is a feature that two kernels differ in.
type featureDiffDoc struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Here  string `json:"here"`  // yes, no or unknown
	There string `json:"there"` // likewise
}

// newFeaturesDiff compares two profiles. What neither tells is no difference.
func newFeaturesDiff(here, there *featuresDoc) *featuresDiff {
	d := &featuresDiff{Schema: "bpfhost.features-diff/v1", Here: here.Kernel, There: there.Kernel, Differences: []featureDiffDoc{}}
	a, b := here.results(), there.results()
	for _, key := range here.keys(there) {
		ra, rb := a[key], b[key]
		if ra == "" {
			ra = resultUnknown
		}
		if rb == "" {
			rb = resultUnknown
		}
		if ra != rb {
			d.Differences = append(d.Differences, featureDiffDoc{key[0], key[1], ra, rb})
		}
	}
	return d
}

// results are the answers by kind and name. Helpers that a type of program cannot call are not among
// them, but for types that the profile knows they are "no".
func (d *featuresDoc) results() map[[2]string]string {
	all := make(map[[2]string]string)
	for _, f := range d.Features {
		all[[2]string{f.Kind, f.Name}] = f.Result
	}
	for t := range d.Helpers {
		for _, f := range spec.ProgramType(0).CallsAll() {
			all[[2]string{"helper", t + "/" + f.Callee()}] = resultNo
		}
		for _, h := range d.Helpers[t] {
			all[[2]string{"helper", t + "/" + h}] = resultYes
		}
	}
	return all
}

// keys are what either profile has, in order. Of types of programs that one of them lacks the helpers
// are left out.
func (d *featuresDoc) keys(other *featuresDoc) [][2]string {
	var keys [][2]string
	for _, p := range []*featuresDoc{d, other} {
		for _, f := range p.Features {
			keys = append(keys, [2]string{f.Kind, f.Name})
		}
		for _, t := range slices.Sorted(maps.Keys(d.Helpers)) {
			if other.Helpers[t] == nil {
				continue
			}
			for _, h := range p.Helpers[t] {
				keys = append(keys, [2]string{"helper", t + "/" + h})
			}
		}
	}
	seen := make(map[[2]string]bool, len(keys))
	return slices.DeleteFunc(keys, func(k [2]string) bool {
		was := seen[k]
		seen[k] = true
		return was
	})
}

// print prints the differences.
func (d *featuresDiff) print(a app, how string) error {
	if how == "json" {
		return writeJSON(a.out, d)
	}
	var t table
	if len(d.Differences) == 0 {
		t.text("kernels %s and %s have the same features", d.Here.Release, d.There.Release)
	}
	var rows [][]string
	for _, f := range d.Differences {
		rows = append(rows, []string{f.Kind, f.Name, f.Here, f.There})
	}
	t.block([]string{"KIND", "NAME", d.Here.Release, d.There.Release}, rows)
	return t.write(a.out)
}
