//go:build linux

package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// codeDir is where the child keeps compiled code while it loads.
func (r *runner) codeDir() string { return filepath.Join(r.setup.Dir, "code") }

// runner runs the guest in a child.
type runner struct {
	setup    setup
	messages *sys.Messages
	buf      []byte
	in, out  message
	shared   *sys.Shared
	size     uint64 // of the guest's memory
	guest    *sandbox.Guest
	exports  []string
	code     *os.File
	had      int // files of code that the parent had
}

// errParent says that the parent is gone, or said what it does not say.
var errParent = errors.New("the parent is gone")

// run is the life of a child: it loads the guest, and calls it until the parent closes the socket.
func (r *runner) run() error {
	if err := r.receive(kindStart); err != nil {
		return err
	}
	var c config
	if err := json.Unmarshal(r.in.text, &c); err != nil {
		return fmt.Errorf("read config: %w", err)
	}
	err := r.load(&c)
	if err != nil {
		return r.fail(err)
	}
	if err := r.send(kindReady, 0); err != nil {
		return err
	}
	for {
		switch err := r.receive(kindCall); {
		case errors.Is(err, errParent):
			return nil
		case err != nil:
			return err
		}
		if err := r.call(); err != nil {
			return err
		}
	}
}

// call calls the guest once.
func (r *runner) call() error {
	if int(r.in.number) >= len(r.exports) || r.in.n == 0 {
		return errMessage
	}
	rc, err := r.guest.Call(context.Background(), r.exports[r.in.number], time.Duration(r.in.args[0]), r.in.args[1:r.in.n]...)
	if err != nil {
		return r.fail(err)
	}
	return r.send(kindDone, uint32(rc))
}

// load loads the guest.
func (r *runner) load(c *config) error {
	memory := os.NewFile(fdMemory, "memory")
	var err error
	if r.shared, err = sys.MapShared(memory, int(c.Memory)); err != nil {
		return err
	}
	if err := r.shared.CloseFile(); err != nil {
		return err
	}
	module := os.NewFile(fdModule, "module")
	wasm, err := readFile(module)
	if err != nil {
		return err
	}
	module.Close()
	r.code = os.NewFile(fdCode, "code")
	engine, err := r.engine()
	if err != nil {
		return err
	}
	r.guest, err = engine.Load(context.Background(), wasm, r.options(c))
	return err
}

// engine makes an engine with the code that the parent has.
func (r *runner) engine() (*sandbox.Engine, error) {
	if r.setup.Dir == "" {
		return sandbox.NewEngine(sandbox.EngineOptions{})
	}
	if err := r.unpackCode(); err != nil {
		return nil, err
	}
	return sandbox.NewEngine(sandbox.EngineOptions{CacheDir: r.codeDir(), Private: true})
}

// unpackCode writes the code that the parent has into files, for the runtime.
func (r *runner) unpackCode() error {
	size, err := r.code.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	archive, err := sys.MapShared(r.code, int(size)) // which spares a copy
	if err != nil {
		return err
	}
	defer archive.Unmap()
	r.had, err = unpack(r.codeDir(), archive.Bytes)
	return err
}

// readFile reads a file in memory from its start.
func readFile(f *os.File) ([]byte, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	_, err = f.ReadAt(b, 0)
	return b, err
}

// compiled hands new code to the parent, and gives up files before the guest's first code runs.
func (r *runner) compiled() error {
	said := uint32(0)
	if r.setup.Root {
		said |= compiledRoot
	}
	if r.setup.Dir != "" {
		if r.handOver() {
			said |= compiledFresh
		}
		if err := os.RemoveAll(r.codeDir()); err != nil {
			return err
		}
	}
	r.code.Close()
	if err := sys.FilterCalls(false, false); err != nil {
		return err
	}
	return r.send(kindCompiled, said)
}

// handOver writes the code for the parent, if there is more than it had. Without it, the code is compiled
// again the next time.
func (r *runner) handOver() bool {
	if n, err := countFiles(r.codeDir()); err != nil || n <= r.had {
		return false
	}
	archive, err := pack(r.codeDir())
	if err == nil {
		err = r.code.Truncate(0)
	}
	if err == nil {
		_, err = r.code.WriteAt(archive, 0)
	}
	return err == nil
}

// options are what the engine needs, with imports that ask the parent.
func (r *runner) options(c *config) sandbox.Options {
	o := sandbox.Options{
		Name: c.Name, Limits: c.Limits, HostModule: c.HostModule,
		Memory: r.memory, Compiled: r.compiled,
	}
	for i, im := range c.Imports {
		params := len(im.Params)
		o.Imports = append(o.Imports, sandbox.Import{
			Name: im.Name, Params: im.Params, Results: im.Results,
			Fn: func(g *sandbox.Guest, stack []uint64) { r.host(g, uint32(i), params, stack) },
		})
	}
	for _, x := range c.Exports {
		o.Exports = append(o.Exports, sandbox.Export{Name: x.Name, Params: x.Params, Results: x.Results, Required: x.Required})
		r.exports = append(r.exports, x.Name)
	}
	if c.Stdout {
		o.Stdout = stream{r, 1}
	}
	if c.Stderr {
		o.Stderr = stream{r, 2}
	}
	return o
}

// memory is the guest's memory, in that which is shared.
func (r *runner) memory(size uint64) []byte {
	if size > uint64(len(r.shared.Bytes)) {
		return nil
	}
	r.size = size
	return r.shared.Bytes[:size:size]
}

// host asks the parent to run a host function.
func (r *runner) host(g *sandbox.Guest, import_ uint32, params int, stack []uint64) {
	err := r.send(kindHost, import_, stack[:params]...)
	if err == nil {
		err = r.receive(kindReply)
	}
	if err != nil {
		g.Abort(err)
	}
	if len(stack) > 0 {
		stack[0] = uint64(r.in.number)
	}
}

// stream is one of the guest's streams.
type stream struct {
	r      *runner
	number uint32
}

// Write has the parent take what is written, which is guest memory.
func (s stream) Write(p []byte) (int, error) {
	at, ok := sys.Offset(s.r.shared.Bytes, p)
	if !ok {
		return 0, errMessage
	}
	err := s.r.send(kindOutput, s.number, uint64(at), uint64(len(p)))
	if err == nil {
		err = s.r.receive(kindReply)
	}
	if err != nil {
		return 0, err
	}
	if s.r.in.number == 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// fail tells the parent why the guest is not called any more.
func (r *runner) fail(err error) error {
	text, err := json.Marshal(failureOf(err))
	if err != nil {
		return err
	}
	r.out = message{kind: kindFailed, text: text}
	return r.messages.Send(r.out.encode(r.buf))
}

// send sends a message with the size of the guest's memory and more arguments.
func (r *runner) send(k kind, number uint32, args ...uint64) error {
	r.out.kind, r.out.number, r.out.text = k, number, nil
	r.out.args[0] = r.size
	r.out.n = 1 + copy(r.out.args[1:], args)
	return r.messages.Send(r.out.encode(r.buf))
}

// receive waits for a message of a kind.
func (r *runner) receive(k kind) error {
	n, err := r.messages.Receive(r.buf)
	if err != nil || n == 0 {
		return errParent
	}
	if err := r.in.decode(r.buf[:n]); err != nil {
		return err
	}
	if r.in.kind != k {
		return errMessage
	}
	return nil
}
