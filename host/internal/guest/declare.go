package guest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// declaredParam is a parameter that the plugin declares while it describes itself.
type declaredParam struct{ plan.Param }

// declaredRequest is a request.
type declaredRequest struct{ text string }

// Bounds of what a plugin declares.
const (
	maxParams   = 256
	maxRequests = 1024

	declaredBytes = 256 // that a declaration holds apart from its texts
)

// declarations are what a plugin declares while it describes itself.
type declarations struct {
	params   []*declaredParam
	requests []*declaredRequest
	sections []*declaredSection
	memory   *budget.Account
}

// add adds a parameter, request or section.
func (d *declarations) add(k abi.Kind, name string) (any, error) {
	if name == "" {
		return nil, failf(abi.ErrInval, "a %s needs a name", k)
	}
	if err := d.memory.Take(declaredBytes + len(name)); err != nil {
		return nil, err
	}
	v, err := d.addNamed(k, name)
	if err != nil {
		d.memory.Return(declaredBytes + len(name))
	}
	return v, err
}

func (d *declarations) addNamed(k abi.Kind, name string) (any, error) {
	switch k {
	case abi.KindParam:
		return d.addParam(name)
	case abi.KindRequest:
		return d.addRequest(name)
	case abi.KindSection:
		return d.addSection(name)
	}
	return nil, failf(abi.ErrKind, "a %s cannot be added to the plugin", k)
}

func (d *declarations) addParam(name string) (any, error) {
	switch {
	case slices.ContainsFunc(d.params, func(p *declaredParam) bool { return p.Name == name }):
		return nil, failf(abi.ErrExist, "parameter %q is declared already", name)
	case isReserved(name):
		return nil, failf(abi.ErrExist, "parameter %q is one of the host's own", name)
	case len(d.params) >= maxParams:
		return nil, budget.TooMany("parameters", len(d.params)+1, maxParams, "")
	}
	p := &declaredParam{plan.Param{Name: name, Type: plan.ParamString}}
	d.params = append(d.params, p)
	return p, nil
}

func (d *declarations) addRequest(text string) (any, error) {
	if slices.ContainsFunc(d.requests, func(w *declaredRequest) bool { return w.text == text }) {
		return nil, failf(abi.ErrExist, "the request %q was added already", text)
	}
	if len(d.requests) >= maxRequests {
		return nil, budget.TooMany("requests", len(d.requests)+1, maxRequests, "")
	}
	if _, err := policy.ParseRequests([]string{text}); err != nil {
		return nil, &callError{code: abi.ErrInval, text: err.Error()}
	}
	w := &declaredRequest{text}
	d.requests = append(d.requests, w)
	return w, nil
}

// remove takes a declaration back.
func (d *declarations) remove(obj any) {
	switch obj := obj.(type) {
	case *declaredParam:
		d.params = slices.DeleteFunc(d.params, func(p *declaredParam) bool { return p == obj })
	case *declaredRequest:
		d.requests = slices.DeleteFunc(d.requests, func(w *declaredRequest) bool { return w == obj })
	case *declaredSection:
		d.sections = slices.DeleteFunc(d.sections, func(s *declaredSection) bool { return s == obj })
	}
}

// describe puts what was declared into what is known of the plugin.
func (d *declarations) describe(info *plan.Info) error {
	for _, p := range d.params {
		if p.Default != "" {
			if err := p.Check(p.Default); err != nil {
				return fmt.Errorf("the default of parameter %q %w", p.Name, err)
			}
		}
		info.Params = append(info.Params, p.Param)
	}
	for _, w := range d.requests {
		info.Requests = append(info.Requests, w.text)
	}
	return d.describeSections(info)
}

// children lists what was declared of one kind.
func (d *declarations) children(k abi.Kind) (children, bool) {
	switch k {
	case abi.KindParam:
		return among(len(d.params), func(i int) any { return d.params[i] }, func(i int) string { return d.params[i].Name }), true
	case abi.KindRequest:
		return among(len(d.requests), func(i int) any { return d.requests[i] }, func(i int) string { return d.requests[i].text }), true
	case abi.KindSection:
		return among(len(d.sections), func(i int) any { return d.sections[i] }, func(i int) string { return d.sections[i].Pattern }), true
	}
	return children{}, false
}

// paramTypes are the types of parameters by their number in the ABI.
var paramTypes = []plan.ParamType{abi.ParamString: plan.ParamString, abi.ParamU64: plan.ParamU64, abi.ParamBool: plan.ParamBool}

// declaredProperties are the properties of the plugin and of what it declares.
var declaredProperties = map[abi.Prop]property{
	abi.PropPluginName: text(func(r pluginRef) string { return r.s.info.Name },
		func(r pluginRef, v string) error { return setPluginName(r.s, v) }),
	abi.PropPluginVersion: text(func(r pluginRef) string { return r.s.info.Version },
		func(r pluginRef, v string) error { r.s.info.Version = v; return nil }),
	abi.PropPluginDoc: text(func(r pluginRef) string { return r.s.info.Doc },
		func(r pluginRef, v string) error { r.s.info.Doc = v; return nil }),

	abi.PropParamName: text(func(p *declaredParam) string { return p.Name }, nil),
	abi.PropParamType: number(func(p *declaredParam) uint64 { return uint64(slices.Index(paramTypes, p.Type)) },
		func(p *declaredParam, v uint64) error { p.Type = paramTypes[v]; return nil }),
	abi.PropParamDefault: text(func(p *declaredParam) string { return p.Default },
		func(p *declaredParam, v string) error { p.Default = v; return nil }),
	abi.PropParamDoc: text(func(p *declaredParam) string { return p.Doc },
		func(p *declaredParam, v string) error { p.Doc = v; return nil }),
	abi.PropParamRequired: number(func(p *declaredParam) uint64 { return flag(p.Required) },
		func(p *declaredParam, v uint64) error { p.Required = v != 0; return nil }),

	abi.PropRequestText: text(func(w *declaredRequest) string { return w.text }, nil),

	abi.PropSectionName: text(func(s *declaredSection) string { return s.Pattern }, nil),
	abi.PropSectionType: number(func(s *declaredSection) uint64 { return uint64(s.Type) },
		func(s *declaredSection, v uint64) error { return tx.Put32(&s.Type, v) }),
	abi.PropSectionAttachType: number(func(s *declaredSection) uint64 { return uint64(s.Attach) },
		func(s *declaredSection, v uint64) error { return tx.Put32(&s.Attach, v) }),
	abi.PropSectionFlags: number(func(s *declaredSection) uint64 { return uint64(s.Flags) },
		func(s *declaredSection, v uint64) error { return tx.Put32(&s.Flags, v) }),
}

// setPluginName lets a plugin say its name. An empty one leaves the operator's, and the host's stays
// the host's: names stand before lines of diagnostics.
func setPluginName(s *state, v string) error {
	if v == "" {
		return failf(abi.ErrInval, "a plugin needs a name")
	}
	if host, _, _ := strings.Cut(v, ":"); strings.TrimSpace(host) == "bpfhost" {
		return failf(abi.ErrInval, "%q is the host's name; take another", v)
	}
	s.info.Name = v
	s.out.name = v
	return nil
}
