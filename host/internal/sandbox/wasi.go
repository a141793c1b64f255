package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// wasiModule is the module name of WASI preview 1.
const wasiModule = "wasi_snapshot_preview1"

// Error numbers of WASI preview 1.
const (
	wasiBadFile    = 8
	wasiFault      = 21
	wasiInvalid    = 28
	wasiIO         = 29
	wasiNotHere    = 52 // ENOSYS
	wasiEventSize  = 32
	wasiSubscrSize = 48
)

// wasiFunctions are all functions of WASI preview 1 with the letters of their parameters, i for i32
// and I for i64. Each returns an i32, but for proc_exit. They may all be imported, because
// libraries import what they never call; those that would reach files, sockets or signals answer
// that there is no such file, or that they are not here. None reaches the system, see doc.go.
var wasiFunctions = map[string]string{
	"args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii",
	"clock_res_get": "ii", "clock_time_get": "iIi", "random_get": "ii", "sched_yield": "", "poll_oneoff": "iiii",
	"proc_exit": "i", "proc_raise": "i",
	"fd_advise": "iIIi", "fd_allocate": "iII", "fd_close": "i", "fd_datasync": "i", "fd_fdstat_get": "ii",
	"fd_fdstat_set_flags": "ii", "fd_fdstat_set_rights": "iII", "fd_filestat_get": "ii", "fd_filestat_set_size": "iI",
	"fd_filestat_set_times": "iIIi", "fd_pread": "iiiIi", "fd_prestat_dir_name": "iii", "fd_prestat_get": "ii",
	"fd_pwrite": "iiiIi", "fd_read": "iiii", "fd_readdir": "iiiIi", "fd_renumber": "ii", "fd_seek": "iIii",
	"fd_sync": "i", "fd_tell": "ii", "fd_write": "iiii",
	"path_create_directory": "iii", "path_filestat_get": "iiiii", "path_filestat_set_times": "iiiiIIi",
	"path_link": "iiiiiii", "path_open": "iiiiiIIii", "path_readlink": "iiiiii", "path_remove_directory": "iii",
	"path_rename": "iiiiii", "path_symlink": "iiiii", "path_unlink_file": "iii",
	"sock_accept": "iii", "sock_recv": "iiiiii", "sock_send": "iiiii", "sock_shutdown": "ii",
}

// wasiType returns the type of a function of WASI, and false if there is none of that name.
func wasiType(name string) (params, results []ValueType, ok bool) {
	letters, ok := wasiFunctions[name]
	for _, c := range letters {
		params = append(params, map[rune]ValueType{'i': I32, 'I': I64}[c])
	}
	if name != "proc_exit" {
		results = []ValueType{I32}
	}
	return params, results, ok
}

// bindWASI offers WASI. What takes longer for larger arguments is ours, so that it takes fuel and
// looks at the deadline; what touches files is a stub; the rest, which takes no time, is the
// runtime's.
func bindWASI(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(wasiModule)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	own := map[string]func(g *Guest, mem api.Memory, stack []uint64) uint32{
		"random_get":  (*Guest).wasiRandom,
		"fd_write":    (*Guest).wasiWrite,
		"poll_oneoff": (*Guest).wasiPoll,
		"proc_raise":  func(*Guest, api.Memory, []uint64) uint32 { return wasiNotHere },
	}
	for name := range wasiFunctions {
		if strings.HasPrefix(name, "path_") || strings.HasPrefix(name, "sock_") || name == "fd_pread" ||
			name == "fd_pwrite" || name == "fd_readdir" {
			own[name] = func(*Guest, api.Memory, []uint64) uint32 { return wasiBadFile }
		}
	}
	for name, fn := range own {
		params, results, _ := wasiType(name)
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			stack[0] = uint64(fn(guestOf(ctx), mod.Memory(), stack))
		}), apiTypes(params), apiTypes(results)).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("bind wasi functions: %w", err)
	}
	return nil
}

// largeStep is after how many bytes of one call the deadline is looked at.
const largeStep = 1 << 20

// spend charges for n bytes and ends the call where its time is up.
func (g *Guest) spend(n uint32) {
	g.Charge(uint64(n) / 8)
	if n < largeStep {
		return
	}
	if err := g.call.expired(time.Now()); err != nil {
		g.Abort(err)
	}
}

// wasiRandom fills memory: random_get(buf, len).
func (g *Guest) wasiRandom(mem api.Memory, stack []uint64) uint32 {
	buf, ok := mem.Read(uint32(stack[0]), uint32(stack[1]))
	if !ok {
		return wasiFault
	}
	if g.random == nil {
		g.random = rand.New(rand.NewPCG(1, 2))
	}
	for len(buf) > 0 {
		part := buf[:min(len(buf), largeStep)]
		var word [8]byte
		for i := range part {
			if i%8 == 0 {
				binary.LittleEndian.PutUint64(word[:], g.random.Uint64())
			}
			part[i] = word[i%8]
		}
		g.spend(uint32(len(part)))
		buf = buf[len(part):]
	}
	return 0
}

// wasiWrite writes to the standard streams: fd_write(fd, iovs, iovs_len, nwritten).
func (g *Guest) wasiWrite(mem api.Memory, stack []uint64) uint32 {
	fd, iovs, n := uint32(stack[0]), uint32(stack[1]), uint32(stack[2])
	if fd == 0 || uint64(fd) >= uint64(len(g.output)) {
		return wasiBadFile
	}
	total, since := uint32(0), uint32(0)
	for i := range n {
		at := uint64(iovs) + 8*uint64(i)
		if at > 1<<32-8 {
			return wasiFault
		}
		ptr, ok1 := mem.ReadUint32Le(uint32(at))
		size, ok2 := mem.ReadUint32Le(uint32(at) + 4)
		if !ok1 || !ok2 {
			return wasiFault
		}
		text, ok := mem.Read(ptr, size)
		if !ok {
			return wasiFault
		}
		if w := g.output[fd]; w != nil && size > 0 {
			if _, err := w.Write(text); err != nil {
				return wasiIO
			}
		}
		total += size
		if since += size + 64; since >= largeStep {
			g.spend(since)
			since = 0
		}
	}
	g.spend(since)
	if !mem.WriteUint32Le(uint32(stack[3]), total) {
		return wasiFault
	}
	return 0
}

// wasiPoll answers that all that is waited for has happened: clocks at once, and files that there
// are none. poll_oneoff(in, out, nsubscriptions, nevents).
func (g *Guest) wasiPoll(mem api.Memory, stack []uint64) uint32 {
	in, out, n := uint32(stack[0]), uint32(stack[1]), uint32(stack[2])
	if n == 0 {
		return wasiInvalid
	}
	const most = 1 << 12
	if n > most {
		return wasiInvalid
	}
	subs, ok1 := mem.Read(in, n*wasiSubscrSize)
	events, ok2 := mem.Read(out, n*wasiEventSize)
	if !ok1 || !ok2 {
		return wasiFault
	}
	for i := range int(n) {
		sub, event := subs[i*wasiSubscrSize:], events[i*wasiEventSize:][:wasiEventSize]
		var made [wasiEventSize]byte
		copy(made[:8], sub[:8]) // what the guest calls it
		if kind := sub[8]; kind != 0 {
			made[8], made[10] = wasiBadFile, kind
		}
		copy(event, made[:])
	}
	g.spend(n * wasiSubscrSize)
	if !mem.WriteUint32Le(uint32(stack[3]), n) {
		return wasiFault
	}
	return 0
}
