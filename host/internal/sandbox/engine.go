package sandbox

import (
	"crypto/sha256"
	"errors"
	"sync"

	"github.com/bpfhost/bpfhost/internal/oneline"
)

// EngineOptions says where an Engine keeps compiled code.
type EngineOptions struct {
	// CacheDir holds compiled code between runs; empty keeps it in memory only. It is native code
	// that is executed as it is, so the directory must be private, see NewEngine. Each file is held
	// against its digest before it is read.
	CacheDir string

	// CacheBytes bounds the directory: beyond them the code of the modules that were used longest ago
	// is removed. 512 MiB.
	CacheBytes int64

	// Private says that nobody else reaches CacheDir, so that neither it nor its files are checked.
	Private bool

	// Damaged is told of a file of the directory that was not as it was written. It is removed, and the
	// module compiled again. nil tells nobody.
	Damaged func(file string)
}

// Engine holds compiled code for any number of guests, and nothing else. It is safe for concurrent
// use.
type Engine struct {
	code    *codeCache
	mu      sync.Mutex // guards the fields below
	closed  bool
	loading sync.WaitGroup
	guests  map[*Guest]struct{}
	pools   map[poolKey]*pool
	locks   map[[sha256.Size]byte]*digestLock
}

// digestLock keeps two loads of one module from compiling it twice.
type digestLock struct {
	sync.Mutex
	users int // guarded by Engine.mu
}

// NewEngine returns an engine. A missing cache directory is created with mode 0700. The error wraps
// ErrCacheDir when the directory is a symbolic link, belongs to another user, can be read or
// written by others, or lies where another user could replace it.
func NewEngine(o EngineOptions) (*Engine, error) {
	code, err := o.cache()
	if err != nil {
		return nil, err
	}
	return &Engine{code: code, guests: map[*Guest]struct{}{}, pools: map[poolKey]*pool{}, locks: map[[sha256.Size]byte]*digestLock{}}, nil
}

// cache makes the cache that the options say.
func (o EngineOptions) cache() (*codeCache, error) {
	if o.CacheDir == "" {
		return newCodeCache("", nil), nil
	}
	dir := o.CacheDir
	if !o.Private {
		var err error
		if dir, err = secureDir(o.CacheDir); err != nil {
			return nil, err
		}
	}
	code := newCodeCache(dir, o.Damaged)
	code.trusted = o.Private
	if o.CacheBytes != 0 {
		code.max = o.CacheBytes
	}
	return code, nil
}

// Close closes every guest of the engine and drops the compiled code. It must not be called from a
// host function. Closing again does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	e.loading.Wait()
	var errs []error
	for _, g := range e.live() {
		errs = append(errs, g.Close())
	}
	errs = append(errs, e.code.close())
	return oneline.Join(errs...)
}

// live lists the guests that are not closed.
func (e *Engine) live() []*Guest {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*Guest, 0, len(e.guests))
	for g := range e.guests {
		list = append(list, g)
	}
	return list
}

// begin counts a load; the caller calls e.loading.Done when it is over.
func (e *Engine) begin() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("load guest: engine is closed")
	}
	e.loading.Add(1)
	return nil
}

// add and remove keep the list of live guests.
func (e *Engine) add(g *Guest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.guests[g] = struct{}{}
}

func (e *Engine) remove(g *Guest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.guests, g)
}

// lock waits until no other load compiles the module of that digest and returns the unlock
// function.
func (e *Engine) lock(digest [sha256.Size]byte) func() {
	e.mu.Lock()
	l := e.locks[digest]
	if l == nil {
		l = &digestLock{}
		e.locks[digest] = l
	}
	l.users++
	e.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		e.mu.Lock()
		defer e.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(e.locks, digest)
		}
	}
}
