//go:build linux

package isolate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/oneline"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Load checks a module, and starts it in a separate process. The errors are those of
// sandbox.Engine.Load, or wrap ErrNoMain or ErrNotSupported.
func (l *Launcher) Load(ctx context.Context, wasm []byte, o Options) (*Guest, error) {
	if !Available {
		return nil, ErrNotSupported
	}
	if !mainCalled.Load() {
		return nil, ErrNoMain
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("compile module: %w", context.Cause(ctx))
	}
	o.Limits = o.Limits.WithDefaults()
	g := &Guest{
		limits: o.Limits, imports: o.Imports, calls: o.Calls, hooks: map[string]hook{},
		output: [3]io.Writer{1: o.Stdout, 2: o.Stderr}, turn: make(chan struct{}, 1), buf: make([]byte, maxMessage), export: "start",
	}
	ld := &load{launcher: l, guest: g, digest: o.DigestOf(wasm)}
	if err := ld.begin(wasm, &o); err != nil {
		return nil, err
	}
	defer ld.code.Close()
	if err := ld.run(ctx, &o); err != nil {
		return nil, oneline.Join(err, g.Close())
	}
	return g, nil
}

// load is a guest on its way.
type load struct {
	launcher *Launcher
	guest    *Guest
	digest   [sha256.Size]byte
	code     *os.File // compiled code, which child and parent exchange
}

// begin examines the module while the process starts. An error leaves nothing.
func (ld *load) begin(wasm []byte, o *Options) error {
	g, examined := ld.guest, make(chan error, 1)
	go func() {
		var err error
		g.facts, err = sandbox.Examine(wasm, o.Options)
		examined <- err
	}()
	launched := ld.launch(wasm)
	if err := <-examined; err != nil || launched != nil {
		if launched == nil {
			ld.code.Close()
			g.Close()
		}
		return cmp.Or(err, launched) // what is wrong with the module comes first
	}
	for i, x := range o.Exports {
		if slices.Contains(g.facts.Exports, x.Name) {
			g.hooks[x.Name] = hook{uint32(i), len(x.Params), len(x.Results) > 0}
		}
	}
	return nil
}

// launch starts the process, with the files that it needs.
func (ld *load) launch(wasm []byte) (err error) {
	g, memory := ld.guest, uint64(ld.guest.limits.MemoryPages)*sandbox.PageSize
	var files []*os.File // the child's
	defer func() {
		for _, f := range files {
			f.Close()
		}
		if err != nil {
			if ld.code != nil {
				ld.code.Close()
			}
			if g.shared != nil {
				g.shared.Unmap()
			}
			g.messages.Close()
		}
	}()
	var other *os.File
	if g.messages, other, err = sys.NewMessages(); err != nil {
		return err
	}
	files = append(files, other)
	if g.shared, err = sys.NewShared("memory", int(memory)); err != nil {
		return err
	}
	files = append(files, g.shared.File)
	module, err := sys.MemoryFile("module", wasm)
	if err != nil {
		return err
	}
	files = append(files, module)
	if ld.code, err = sys.MemoryFile("code", ld.known()); err != nil {
		return err
	}
	g.proc, g.isolation, err = ld.launcher.start(setup{Memory: cmp.Or(ld.launcher.memory, childMemory), Shared: memory}, append(files[:len(files):len(files)], ld.code))
	if err == nil {
		g.watch.kill = g.proc.kill
	}
	return err
}

// known is the compiled code that there is.
func (ld *load) known() []byte {
	if ld.launcher.Code == nil {
		return nil
	}
	list, size := ld.launcher.Code.Load(ld.digest), 0
	for _, f := range list {
		size += archiveHead + len(f.Name) + len(f.Data)
	}
	archive := make([]byte, 0, size)
	for _, f := range list {
		archive = appendFile(archive, f.Name, f.Data)
	}
	return archive
}

// run takes the guest to the point where its hooks can be called.
func (ld *load) run(ctx context.Context, o *Options) error {
	g := ld.guest
	text, err := json.Marshal(configOf(&o.Options, uint64(len(g.shared.Bytes))))
	if err != nil {
		return err
	}
	if len(text) > maxMessage-headSize {
		return fmt.Errorf("describe guest: %d bytes are too many", len(text))
	}
	g.watch.begin(ctx, g.limits.Compile+killGrace, 0)
	g.out = message{kind: kindStart, text: text}
	if g.messages.Send(g.out.encode(g.buf)) == nil {
		err = g.serve(kindCompiled)
	} else {
		err = errGone
	}
	ended := g.watch.end()
	if err != nil {
		return ld.explain(ctx, err, ended, "compile", g.limits.Compile)
	}
	if g.fresh = g.in.number&compiledFresh != 0; g.fresh {
		ld.keep()
	}
	if g.in.number&compiledRoot == 0 && !slices.Contains(g.isolation.Without, withoutRoot) {
		g.isolation.Without = append(g.isolation.Without, withoutRoot)
	}
	g.watch.begin(ctx, 2*g.limits.Start+killGrace, cancelGrace)
	err = g.serve(kindReady)
	ended = g.watch.end()
	if err != nil {
		return ld.explain(ctx, err, ended, "start", g.limits.Start)
	}
	return nil
}

// explain says why a child ended while it loaded.
func (ld *load) explain(ctx context.Context, err error, ended ending, export string, most time.Duration) error {
	switch p := ld.guest.proc; {
	case !errors.Is(err, errGone):
		return err
	case ended == endedCancelled && export == "compile":
		return fmt.Errorf("compile module: %w", context.Cause(ctx))
	case ended == endedCancelled:
		return cancelled(ctx, export)
	case ended == endedLate:
		return budget.Late(export, most+killGrace, most)
	default:
		cause := p.cause()
		if err := p.setupError(); err != nil {
			return fmt.Errorf("%w: %w", ErrNotSupported, err)
		}
		return &sandbox.Trap{Export: export, Reason: cause}
	}
}

// keep puts code that the child compiled into the store. What cannot be kept is compiled again.
func (ld *load) keep() {
	if ld.launcher.Code == nil {
		return
	}
	b := make([]byte, childFile)
	n, err := ld.code.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	if list, err := files(b[:n]); err == nil {
		_ = ld.launcher.Code.Save(ld.digest, list)
	}
}
