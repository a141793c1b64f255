package host

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// declaredParam is a parameter that the plugin declares while it describes itself.
type declaredParam struct{ Param }

// declaredRequest is a request.
type declaredRequest struct{ text string }

// Bounds of what a plugin declares.
const (
	maxParams   = 256
	maxRequests = 1024
)

// declare adds a parameter, request or section.
func (x *instance) declare(k abi.Kind, name string) (any, error) {
	if x.phase != abi.PhaseDescribe {
		return nil, failf(abi.ErrPhase, "a %s is declared in bpfhost_describe", k)
	}
	if name == "" {
		return nil, failf(abi.ErrInval, "a %s needs a name", k)
	}
	switch k {
	case abi.KindParam:
		return x.declareParam(name)
	case abi.KindRequest:
		return x.declareWant(name)
	case abi.KindSection:
		return x.declareSection(name)
	}
	return nil, failf(abi.ErrKind, "a %s cannot be added to the plugin", k)
}

func (x *instance) declareParam(name string) (any, error) {
	switch {
	case slices.ContainsFunc(x.params, func(p *declaredParam) bool { return p.Name == name }):
		return nil, failf(abi.ErrExist, "parameter %q is declared already", name)
	case isReserved(name):
		return nil, failf(abi.ErrExist, "parameter %q is one of the host's own", name)
	case len(x.params) >= maxParams:
		return nil, failf(abi.ErrLimit, "a plugin has at most %d parameters", maxParams)
	}
	p := &declaredParam{Param{Name: name, Type: plan.ParamString}}
	x.params = append(x.params, p)
	return p, nil
}

func (x *instance) declareWant(text string) (any, error) {
	if slices.ContainsFunc(x.requests, func(w *declaredRequest) bool { return w.text == text }) {
		return nil, failf(abi.ErrExist, "the request %q was added already", text)
	}
	if len(x.requests) >= maxRequests {
		return nil, failf(abi.ErrLimit, "a plugin has at most %d requests", maxRequests)
	}
	if _, err := policy.ParseRequests([]string{text}); err != nil {
		return nil, &callError{code: abi.ErrInval, text: err.Error()}
	}
	w := &declaredRequest{text}
	x.requests = append(x.requests, w)
	return w, nil
}

// undeclare takes a declaration back.
func (x *instance) undeclare(obj any) error {
	if x.phase != abi.PhaseDescribe {
		return failf(abi.ErrPhase, "declarations are fixed after bpfhost_describe")
	}
	switch obj := obj.(type) {
	case *declaredParam:
		x.params = slices.DeleteFunc(x.params, func(p *declaredParam) bool { return p == obj })
	case *declaredRequest:
		x.requests = slices.DeleteFunc(x.requests, func(w *declaredRequest) bool { return w == obj })
	case *declaredSection:
		x.sections = slices.DeleteFunc(x.sections, func(s *declaredSection) bool { return s == obj })
	}
	x.handles.drop(obj)
	return nil
}

// described takes over what the plugin said in bpfhost_describe.
func (x *instance) described() error {
	for _, p := range x.params {
		if p.Default == "" {
			x.info.Params = append(x.info.Params, p.Param)
			continue
		}
		if err := p.Check(p.Default); err != nil {
			return fmt.Errorf("the default of parameter %q %w", p.Name, err)
		}
		x.info.Params = append(x.info.Params, p.Param)
	}
	for _, w := range x.requests {
		x.info.Requests = append(x.info.Requests, w.text)
	}
	if err := x.describedSections(); err != nil {
		return err
	}
	x.handles.each(func(obj any) { // nothing can be declared any more
		if _, self := obj.(pluginRef); !self {
			x.handles.drop(obj)
		}
	})
	requests, err := policy.ParseRequests(x.info.Requests)
	if err != nil {
		return err
	}
	x.rights.requests = requests
	return nil
}

// paramTypes are the types of parameters by their number in the ABI.
var paramTypes = []plan.ParamType{abi.ParamString: plan.ParamString, abi.ParamU64: plan.ParamU64, abi.ParamBool: plan.ParamBool}

// declaredProperties are the properties of the plugin and of what it declares.
var declaredProperties = map[abi.Prop]property{
	abi.PropPluginName: text(func(r pluginRef) string { return r.x.info.Name },
		func(r pluginRef, v string) error { return setPluginName(r.x, v) }),
	abi.PropPluginVersion: text(func(r pluginRef) string { return r.x.info.Version },
		func(r pluginRef, v string) error { r.x.info.Version = v; return nil }),
	abi.PropPluginDoc: text(func(r pluginRef) string { return r.x.info.Doc },
		func(r pluginRef, v string) error { r.x.info.Doc = v; return nil }),

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

// setPluginName lets a plugin say its name. An empty one leaves the operator's.
func setPluginName(x *instance, v string) error {
	if v == "" {
		return failf(abi.ErrInval, "a plugin needs a name")
	}
	x.info.Name = v
	x.out.name = v
	return nil
}
