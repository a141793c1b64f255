package abi

import "strings"

var paramKindNames = map[ParamKind]string{
	Handle32: "handle", U32: "u32", U64: "u64", Name: "name", Text: "text", Bytes: "bytes",
	InRecord: "in_record", InArray: "in_array", Out: "out", Fill: "fill", OutRecord: "out_record",
	OutArray: "out_array", OutU64: "out_u64",
}

// String is the kind as it is in the listing, like "in_array".
func (k ParamKind) String() string { return paramKindNames[k] }

var propTypeNames = map[PropType]string{
	Number: "number", Bool: "bool", Choice: "choice", NameBytes: "name", LineBytes: "line", PlainBytes: "bytes",
}

// String is the type as it is in the listing.
func (t PropType) String() string { return propTypeNames[t] }

// String names the code, like "NOENT".
func (e Errno) String() string {
	if v, ok := LookupValue("errno", uint32(e)); ok {
		return strings.ToUpper(v.Name)
	}
	return "unknown error"
}

// Error says what the code means: "NOENT: there is no such thing".
func (e Errno) Error() string {
	if v, ok := LookupValue("errno", uint32(e)); ok {
		return strings.ToUpper(v.Name) + ": " + v.Doc
	}
	return "unknown error"
}

// String names the kind, like "program".
func (k Kind) String() string {
	if v, ok := LookupValue("kind", uint32(k)); ok {
		return v.Name
	}
	return "unknown"
}

// String names every bit, joined by "|"; "none" if there is none, "any" if there are all.
func (p Phase) String() string {
	switch p {
	case 0:
		return "none"
	case anywhere:
		return "any"
	}
	return strings.Join(p.names(), "|")
}

func (p Phase) names() []string {
	names := []string{}
	for bit := Phase(1); bit != 0 && bit <= p; bit <<= 1 {
		if v, ok := LookupValue("phase", uint32(p&bit)); ok {
			names = append(names, v.Name)
		}
	}
	return names
}

// String names the property with its kind, like "map_key_size".
func (p Prop) String() string {
	if d, ok := LookupProp(p); ok {
		return d.FullName()
	}
	return "unknown property"
}

// String names the family of hooks, like "xdp".
func (k AttachKind) String() string {
	if v, ok := LookupValue("attach_kind", uint32(k)); ok {
		return v.Name
	}
	return "unknown"
}

// LookupValue finds a value of an enum by its number.
func LookupValue(enum string, num uint32) (Value, bool) {
	for i := range enums {
		if enums[i].Name != enum {
			continue
		}
		for _, v := range enums[i].Values {
			if v.Num == num {
				return v, true
			}
		}
	}
	return Value{}, false
}

// HasFeature answers the function feature: whether id is a property, an attach kind or an event
// source of this version.
func HasFeature(id uint32) bool {
	switch {
	case id >= FeatureSource:
		return id-FeatureSource == ringbufMap
	case id >= FeatureAttach:
		_, ok := LookupValue("attach_kind", id-FeatureAttach)
		return ok
	}
	_, ok := LookupProp(Prop(id))
	return ok
}

// ringbufMap is BPF_MAP_TYPE_RINGBUF, the only map type that source_open takes so far.
const ringbufMap = 27
