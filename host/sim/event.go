package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// Events reads events, one on each line, as JSON objects:
//
//	{"hook":"raw_tracepoint/sched_process_exec","pid":42,"uid":1000,"args":[{"task_struct":{"tgid":42}},0,{"linux_binprm":{"filename":"/bin/ls"}}]}
//
// hook is what the programs are attached to, named as sections of objects are: raw_tracepoint/NAME,
// tracepoint/CATEGORY/NAME, tp_btf/NAME, fentry/FUNCTION, fexit/…, fmod_ret/…, lsm/HOOK,
// kprobe/FUNCTION, kretprobe/…, sk_lookup, and cgroup/connect4 and the like.
//
//   - args are the arguments of the hook: a number, null, a string, which is a pointer to its bytes and a
//     zero, or {"TYPE": VALUE}, which is a pointer to a struct, union or typedef of that name. For
//     programs of kprobes they are the registers of the calling convention.
//   - return is the return value that fexit, fmod_ret, lsm and kretprobe see.
//   - context is the context of other programs, its fields by name, or all of its bytes in hexadecimal.
//   - task is the task_struct of the current process, for those that ask for it.
//   - pid, tgid, uid, gid, comm, cgroup say who the current process is, ancestors are the ids of the cgroups
//     above, the root first; cpu is where it runs.
//   - stack and user_stack are addresses, from the innermost frame on; func_ip is that of the function.
//   - time is when it happens, in ns from the start; without it, 1 ms after the event before.
//
// Values have the types of the program's object, or of Options.CoreTypes. Of a struct they set the
// fields that they name, the rest is zero. Numbers can be text too ("0xff"), text of an enumerator, and
// of an IPv4 address in network byte order; arrays of characters can be strings. A pointer in a struct is
// as an argument, its object without the name of the type where the type is known.
type Events struct {
	name string
	r    *bufio.Reader
	line int
}

// NewEvents reads events from r, which errors call by the name.
func NewEvents(r io.Reader, name string) *Events { return &Events{name: name, r: bufio.NewReader(r)} }

// event is one line.
type event struct {
	where string // file:line

	Hook    string
	Time    *uint64
	CPU     int
	PID     uint32
	TGID    *uint32
	UID     uint32
	GID     uint32
	Comm    string
	Cgroup  uint64
	Above   []uint64
	Stack   []uint64
	User    []uint64
	FuncIP  uint64
	Task    json.RawMessage
	Args    []json.RawMessage
	Return  json.RawMessage
	Context json.RawMessage
}

// fields are where the keys of a line go.
func (e *event) fields() map[string]any {
	return map[string]any{
		"hook": &e.Hook, "time": &e.Time, "cpu": &e.CPU, "pid": &e.PID, "tgid": &e.TGID, "uid": &e.UID, "gid": &e.GID,
		"comm": &e.Comm, "cgroup": &e.Cgroup, "ancestors": &e.Above, "stack": &e.Stack, "user_stack": &e.User, "func_ip": &e.FuncIP, "task": &e.Task, "args": &e.Args, "return": &e.Return, "context": &e.Context,
	}
}

// maxEventLine bounds a line, in bytes.
const maxEventLine = 16 << 20

// next returns the next event. Errors are *InputError, or io.EOF.
func (s *Events) next() (*event, error) {
	for {
		line, err := s.readLine()
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		e := &event{where: fmt.Sprintf("%s:%d", s.name, s.line), PID: 1, Comm: "init", Cgroup: 1}
		if err := e.parse(line); err != nil {
			return nil, e.bad(err)
		}
		return e, nil
	}
}

// readLine returns the next line.
func (s *Events) readLine() ([]byte, error) {
	s.line++
	var line []byte
	for {
		part, err := s.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxEventLine:
			return nil, &InputError{fmt.Errorf("%s:%d: the line is longer than %d MiB", s.name, s.line, maxEventLine>>20)}
		case err == nil, err == io.EOF && len(line) > 0:
			return line, nil
		case err == io.EOF:
			return nil, err
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, &InputError{fmt.Errorf("read %s: %w", s.name, err)}
		}
	}
}

// bad says where an event is wrong.
func (e *event) bad(err error) error { return &InputError{fmt.Errorf("%s: %w", e.where, err)} }

// parse reads a line.
func (e *event) parse(line []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return notJSON(err)
	}
	fields := e.fields()
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		to, ok := fields[k]
		if !ok {
			return fmt.Errorf("%q is unknown%s", k, nearest.Hint(k, slices.Sorted(maps.Keys(fields))))
		}
		if err := json.Unmarshal(keys[k], to); err != nil {
			return fmt.Errorf("%s: %w", k, notJSON(err))
		}
	}
	if e.Hook == "" {
		return errors.New(`"hook" is missing`)
	}
	return nil
}

// notJSON says in few words what package json says in the terms of Go.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %s at character %d", syntax.Error(), syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Errorf("JSON %s does not belong here, which takes %v", typ.Value, typ.Type)
	}
	return err
}

// fire runs the programs of an event's hook.
func (b *Backend) fire(e *event) error {
	hooks := b.hooks[e.Hook]
	if len(hooks) == 0 {
		names := slices.Sorted(maps.Keys(b.hooks))
		return e.bad(fmt.Errorf("nothing is attached to hook %q%s", e.Hook, nearest.Hint(e.Hook, names)))
	}
	if e.CPU < 0 || e.CPU >= b.options.CPUs {
		return e.bad(fmt.Errorf("there is no CPU %d, the simulation has %d", e.CPU, b.options.CPUs))
	}
	for _, h := range slices.Clone(hooks) {
		in, err := h.input(e)
		if err != nil {
			return e.bad(fmt.Errorf("program %q: %w", h.prog.Name(), err))
		}
		r, err := h.prog.in.machine.Run(h.prog.Name(), in)
		h.prog.in.machine.Clear()
		if err != nil {
			return fmt.Errorf("simulate %s: %w", e.where, err)
		}
		value := int64(int32(r.Return))
		if b.options.Result != nil {
			b.options.Result(Returned{e.where, e.Hook, h.prog.Name(), value})
		}
		if value != 0 && decides(h.prog.spec) {
			return nil
		}
	}
	return nil
}

// decides reports whether the first program that does not return 0 is the last to run.
func decides(p *spec.Program) bool {
	return p.Type == spec.ProgramLSM && p.AttachType != spec.AttachTypeLSMCgroup || p.AttachType == spec.AttachTypeModifyReturn && p.Type == spec.ProgramTracing
}

// input makes what a program gets of an event.
func (h *hook) input(e *event) (vm.Input, error) {
	enc := encoder{types: h.prog.in.types, machine: h.prog.in.machine}
	in := vm.Input{CPU: e.CPU, Cookie: h.cookie, FuncIP: e.FuncIP, Stack: e.Stack, UserStack: e.User, Process: vm.Process{
		PID: e.PID, TGID: e.PID, UID: e.UID, GID: e.GID, Comm: e.Comm, Cgroup: e.Cgroup, Ancestors: e.Above,
	}}
	if e.TGID != nil {
		in.Process.TGID = *e.TGID
	}
	var err error
	if e.Task != nil {
		if in.Process.Task, err = enc.object("task_struct", e.Task); err != nil {
			return in, fmt.Errorf("task: %w", err)
		}
	}
	in.Context, err = h.context(e, enc)
	return in, err
}
