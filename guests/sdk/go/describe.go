package sdk

// Me returns the plugin itself. In the describe phase it gets a name, a version, parameters,
// requests and sections.
func Me() (Self, error) { return handle[Self](hostSelf()) }

// ParamInfo declares a parameter. Default is text; empty together with Required means that the
// operator has to set one.
type ParamInfo struct {
	Name     string
	Type     ParamType
	Default  string
	Doc      string
	Required bool
}

// AddParam declares a parameter that the operator may set.
func (h Self) AddParam(info ParamInfo) error {
	p, err := handle[Param](hostAdd(uint32(h), uint32(KindParam), info.Name))
	if err != nil {
		return err
	}
	if err := p.SetType(info.Type); err != nil {
		return err
	}
	if info.Default != "" {
		if err := p.SetDefault(info.Default); err != nil {
			return err
		}
	}
	if err := p.SetDoc(info.Doc); err != nil {
		return err
	}
	return p.SetRequired(info.Required)
}

// AddRequests declares what the plugin needs, in policy words like "program xdp" or "map-rw
// counts". It gets no more than it asks for, and no more than the policy grants.
func (h Self) AddRequests(requests ...string) error {
	for _, r := range requests {
		if err := check(hostAdd(uint32(h), uint32(KindRequest), r)); err != nil {
			return err
		}
	}
	return nil
}

// SectionInfo declares a name of program sections in objects. One that ends in "+" may also be
// followed by a slash and what to attach to: "guard+" for SEC("guard/file_open"). It counts where
// the host knows no such section itself.
type SectionInfo struct {
	Name       string
	Type       ProgType
	AttachType AttachType
	Flags      uint32 // load flags (BPF_F_… of BPF_PROG_LOAD)
}

// AddSection declares a name of program sections.
func (h Self) AddSection(info SectionInfo) error {
	s, err := handle[Section](hostAdd(uint32(h), uint32(KindSection), info.Name))
	if err != nil {
		return err
	}
	if err := s.SetType(info.Type); err != nil {
		return err
	}
	if err := s.SetAttachType(info.AttachType); err != nil {
		return err
	}
	return s.SetFlags(uint64(info.Flags))
}

// About is the whole of a plain Describe hook.
type About struct {
	Name, Version, Doc string
	Params             []ParamInfo
	Requests           []string
	Sections           []SectionInfo
}

// Describe declares everything in a.
func Describe(a About) error {
	me, err := Me()
	if err != nil {
		return err
	}
	if err := me.SetName(a.Name); err != nil {
		return err
	}
	if err := me.SetVersion(a.Version); err != nil {
		return err
	}
	if err := me.SetDoc(a.Doc); err != nil {
		return err
	}
	for _, p := range a.Params {
		if err := me.AddParam(p); err != nil {
			return err
		}
	}
	for _, s := range a.Sections {
		if err := me.AddSection(s); err != nil {
			return err
		}
	}
	return me.AddRequests(a.Requests...)
}
