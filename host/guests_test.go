package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// guestFile reads a file of the plugins that come with bpfhost.
func guestFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "guests", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The quickstart plugin counts exactly what was sent to its interface.
func TestGuestQuickstart(t *testing.T) {
	n := newNet(t)
	var stdout, stderr bytes.Buffer
	p, err := newHost(t).Open(context.Background(), guestFile(t, "quickstart/quickstart.wasm"), PluginOptions{
		Params: map[string]string{"iface": n.Iface(), "netns": n.Path()}, Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	run := applyPlan(t, p, plan)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := serve(ctx, run)
	if _, err := n.Traffic(ctx, testnet.Flow{UDP: 60, TCP: 30, ICMP: 10}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	a := run.Account()
	if len(a) != 1 || a[0].Sent != 100 || a[0].Delivered != 100 || a[0].Missing != 0 {
		t.Errorf("account %+v, want 100 samples", a)
	}
	if lines := strings.Count(stdout.String(), "\n"); lines < 100 {
		t.Errorf("%d lines of output for 100 packets:\n%s%s", lines, stdout.String(), stderr.String())
	}
}

// The pktguard plugin patches an object that clang made; its plan shows what it changed.
func TestGuestPktguard(t *testing.T) {
	p, err := newHost(t).Open(context.Background(), guestFile(t, "pktguard/pktguard.wasm"), PluginOptions{
		Objects: []Object{{"pktguard.bpf.o", guestFile(t, "pktguard/pktguard.bpf.o")}},
		Params:  map[string]string{"iface": "veth0", "skip": "1", "sample": "5"},
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := made.WriteText(&text, plan.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if s := made.Summary(); s.Patch != 3 || s.Attach != 1 || !strings.Contains(text.String(), "patched by pktguard") {
		t.Errorf("summary %+v\n%s", s, text.String())
	}
}

// Global objects of a plugin in C++ are made once, and keep what they hold from hook to hook.
func TestGuestCPlusPlus(t *testing.T) {
	p, err := newHost(t).Open(context.Background(), buildCPlusPlus(t, "globals.cc"), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := "constructors ran 1 times, the object holds 42"; len(made.Notes) != 1 || made.Notes[0].Text != want {
		t.Errorf("notes %+v, want %q", made.Notes, want)
	}
	_, err = newHost(t).Open(context.Background(), buildCPlusPlus(t, "wrapped.cc", "--strip-all"), PluginOptions{})
	if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "include bpfhost.h") {
		t.Errorf("a plugin whose constructors run with each call: %v", err)
	}
}

// Plugins in languages that have no SDK, with their standard libraries: they allocate, format and keep
// what is static.
func TestGuestLanguages(t *testing.T) {
	corpus := os.Getenv("BPFHOST_CORPUS")
	if corpus == "" {
		testenv.Skip(t, testenv.Corpus, "BPFHOST_CORPUS is not set")
	}
	sources := filepath.Join("..", "guests", "sdk", "testdata")
	for _, tt := range []struct {
		name string
		cmd  []string
		want string
	}{
		{"Rust", []string{"/usr/bin/rustc", "--edition", "2021", "--target", "wasm32-unknown-unknown", "--crate-type", "cdylib", "-O",
			"-C", "linker=wasm-ld-14", "-C", "linker-flavor=wasm-ld", filepath.Join(sources, "guest.rs")},
			"Rust: call 2, {0: 0, 1: 1, 2: 4, 3: 9}"},
		{"AssemblyScript", []string{filepath.Join(corpus, "asc", "node_modules", ".bin", "asc"), "-O", "--use", "abort=", "--runtime", "incremental",
			filepath.Join(sources, "guest.ts")}, "AssemblyScript: call 2, 0,1,4,9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "guest.wasm")
			cmd := exec.Command(tt.cmd[0], append(tt.cmd[1:], "-o", out)...)
			if text, err := cmd.CombinedOutput(); err != nil {
				testenv.Skip(t, testenv.Corpus, err.Error()+": "+string(text))
			}
			wasm, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			p, err := newHost(t).Open(context.Background(), wasm, PluginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			made, err := p.Plan(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(made.Notes) != 1 || made.Notes[0].Text != tt.want {
				t.Errorf("notes %+v, want %q", made.Notes, tt.want)
			}
		})
	}
}

// buildCPlusPlus builds a guest of the C SDK's test data as its README says, with more flags for the
// linker.
func buildCPlusPlus(t testing.TB, name string, link ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	sdk := filepath.Join("..", "guests", "sdk", "c")
	for _, cmd := range []*exec.Cmd{
		exec.Command("clang++-19", "--target=wasm32", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib",
			"-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-c++-static-destructors",
			"-I", sdk, "-c", "-o", out+".o", filepath.Join(sdk, "testdata", name)),
		exec.Command("wasm-ld-19", slices.Concat([]string{"--no-entry", "--strip-debug", "-z", "stack-size=16384"}, link, []string{"-o", out, out + ".o"})...),
	} {
		if text, err := cmd.CombinedOutput(); err != nil {
			testenv.Skip(t, testenv.Guests, err.Error()+": "+string(text))
		}
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// BenchmarkPlan opens and plans the quickstart plugin of each language: cold, with an empty cache,
// and warm.
func BenchmarkPlan(b *testing.B) {
	for _, lang := range []struct {
		name   string
		module func(testing.TB) []byte
	}{
		{"c", func(t testing.TB) []byte { return guestFile(t, "quickstart/quickstart.wasm") }},
		{"go", buildGoGuest},
	} {
		wasm := lang.module(b)
		b.Run(lang.name+"/cold", func(b *testing.B) {
			base := b.TempDir()
			for i := range b.N {
				openAndPlan(b, wasm, filepath.Join(base, strconv.Itoa(i)))
			}
		})
		b.Run(lang.name+"/warm", func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "cache")
			openAndPlan(b, wasm, dir)
			for b.Loop() {
				openAndPlan(b, wasm, dir)
			}
		})
	}
}

// BenchmarkOpen opens the quickstart plugin of each language: cold, without a cache; from the cache on
// disk; and while the host has another plugin of the module open.
func BenchmarkOpen(b *testing.B) {
	for _, lang := range []struct {
		name   string
		module func(testing.TB) []byte
	}{
		{"c", func(t testing.TB) []byte { return guestFile(t, "quickstart/quickstart.wasm") }},
		{"go", buildGoGuest},
	} {
		wasm := lang.module(b)
		open := func(b *testing.B, h *Host) *Plugin {
			p, err := h.Open(context.Background(), wasm, PluginOptions{})
			if err != nil {
				b.Fatal(err)
			}
			return p
		}
		alone := func(b *testing.B, c Config) {
			for b.Loop() {
				h, err := New(context.Background(), c)
				if err != nil {
					b.Fatal(err)
				}
				open(b, h)
				h.Close()
			}
		}
		dir := filepath.Join(b.TempDir(), "cache")
		b.Run(lang.name+"/cold", func(b *testing.B) { alone(b, Config{NoCache: true}) })
		b.Run(lang.name+"/disk", func(b *testing.B) {
			openAndPlan(b, wasm, dir)
			alone(b, Config{CacheDir: dir})
		})
		b.Run(lang.name+"/second", func(b *testing.B) {
			h := newHost(b)
			open(b, h)
			for b.Loop() {
				open(b, h).Close()
			}
		})
	}
}

func openAndPlan(b *testing.B, wasm []byte, cache string) {
	b.Helper()
	h, err := New(context.Background(), Config{CacheDir: cache})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	p, err := h.Open(context.Background(), wasm, PluginOptions{Params: map[string]string{"iface": "veth0"}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := p.Plan(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// buildGoGuest builds the quickstart plugin in Go.
func buildGoGuest(t testing.TB) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "quickstart.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "../guests/quickstart/go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		testenv.Skip(t, testenv.Guests, err.Error()+": "+string(text))
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
