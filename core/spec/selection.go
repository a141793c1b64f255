package spec

// Choice names the optional parts of a collection that shall be loaded.
type Choice struct {
	Programs  []string // programs ("?" sections)
	Instances []string // instances of struct_ops ("?" sections)
}

// Selection is what of a collection is loaded, in the order of the collection.
type Selection struct {
	Programs []*Program
	Maps     []*Map
}

// Attached chooses the optional programs that something attaches.
func (c *Collection) Attached() Choice {
	attached := make(map[string]bool, len(c.Attach))
	for _, a := range c.Attach {
		attached[a.Program] = true
	}
	var o Choice
	for _, p := range c.Programs {
		if p.Optional && attached[p.Name] {
			o.Programs = append(o.Programs, p.Name)
		}
	}
	return o
}

// Select returns what is loaded: everything that is not optional, and what is chosen. A program of
// struct_ops is loaded with the instances that it is a member of.
func (c *Collection) Select(o Choice) Selection {
	chosen := set(o.Programs)
	instances := set(o.Instances)
	var s Selection
	member, wanted := make(map[string]bool), make(map[string]bool)
	for _, m := range c.Maps {
		made := m.Type != MapStructOps || !m.Optional || instances[m.Name]
		if made {
			s.Maps = append(s.Maps, m)
		}
		if m.Type != MapStructOps {
			continue
		}
		for _, v := range m.Values {
			member[v.Name] = true
			wanted[v.Name] = wanted[v.Name] || made
		}
	}
	for _, p := range c.Programs {
		asked := !p.Optional
		if p.Type == ProgramStructOps && member[p.Name] {
			asked = wanted[p.Name]
		}
		if asked || chosen[p.Name] {
			s.Programs = append(s.Programs, p)
		}
	}
	return s
}

// Split separates what keeps the selection from being loaded from faults of parts that are left
// out.
func (s Selection) Split(all []*CheckError) (blocking, rest []*CheckError) {
	if len(all) == 0 {
		return nil, nil
	}
	programs, maps := make(map[string]bool), make(map[string]bool)
	for _, p := range s.Programs {
		programs[p.Name] = true
	}
	for _, m := range s.Maps {
		maps[m.Name] = true
	}
	for _, e := range all {
		if e.Kind == ObjectProgram && !programs[e.Name] || e.Kind == ObjectMap && !maps[e.Name] {
			rest = append(rest, e)
		} else {
			blocking = append(blocking, e)
		}
	}
	return blocking, rest
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
