package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

func TestLimits(t *testing.T) {
	l := Limits{Plan: time.Minute}.withDefaults()
	if l.Plan != time.Minute || l.Handles != 4096 || l.Events != time.Second || l.MemoryBytes != 32<<20 {
		t.Errorf("defaults %+v", l)
	}
	under := l.under(policy.Wasm{Plan: time.Second, MemoryBytes: 1 << 20, LogLinesPerSec: 5, Start: time.Minute})
	if under.Plan != time.Second || under.MemoryBytes != 1<<20 || under.LogLinesPerSec != 5 || under.Stop != l.Stop {
		t.Errorf("under a policy %+v", under)
	}
	if s := under.sandbox(); s.MemoryPages != 16 || s.HostCalls != l.HostCalls || s.Start != time.Minute {
		t.Errorf("sandbox limits %+v", s)
	}
}

// What a policy says about the guest is held, whatever the host's configuration is.
func TestLimitsOfPolicy(t *testing.T) {
	w := newWasmGuest("self")
	w.hook("bpfhost_plan", "", wasmtest.Loop)
	p, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{Policy: denying(t, "wasm: {wall_ms: {plan: 20}}")})
	if err != nil {
		t.Fatal(err)
	}
	var limit *LimitError
	if _, err := p.Plan(context.Background()); !errors.As(err, &limit) || limit.Max != uint64(20*time.Millisecond) || limit.Export != "bpfhost_plan" {
		t.Errorf("plan: %v, want a limit of 20ms", err)
	}
	if _, err := p.Plan(context.Background()); err == nil {
		t.Error("a plugin that was stopped planned")
	}
	w.pages = 64
	if _, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{Policy: denying(t, "wasm: {memory: 1MiB}")}); !errors.Is(err, ErrInput) {
		t.Errorf("open with more memory than allowed: %v", err)
	}
}

// hungry is a plugin that notes and notes until the host has enough.
func hungry() *wasmGuest {
	w := newWasmGuest().describe("hungry", nil)
	w.pages = 4
	note := w.must(0, -1, "plan_note", i32(0), i32(0), w.text(strings.Repeat("x", 2000)))
	return w.hook("bpfhost_plan", "", []byte{0x03, 0x40}, note, []byte{0x0c, 0x00, 0x0b})
}

// What a plugin makes the host hold is bounded, by itself and together with others, and is given
// back when it is closed.
func TestLimitsOfMemory(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Config
		want   string
		max    uint64
	}{
		{"one plugin", Config{Limits: Limits{HostBytes: 1 << 20}}, "memory of the host", 1 << 20},
		{"all plugins", Config{HostBytes: 1 << 20}, "memory of the host for all plugins", 1 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.NoCache = true
			h, err := New(context.Background(), tt.config)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			p, err := h.Open(context.Background(), hungry().bytes(), PluginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Plan(context.Background())
			var limit *LimitError
			var failed *PluginError
			if !errors.As(err, &limit) || !errors.As(err, &failed) || failed.Kind != PluginFailed {
				t.Fatalf("error %v, want a limit in the failure of the plugin", err)
			}
			if limit.What != tt.want || limit.Max != tt.max || limit.Used <= tt.max || limit.Unit != UnitBytes || limit.Export != "" {
				t.Errorf("limit %+v, want %s, %d", limit, tt.want, tt.max)
			}
			if n := h.memory.Used(); n < tt.max*9/10 || n > tt.max {
				t.Errorf("%d bytes are counted, the limit is %d", n, tt.max)
			}
			use := p.Memory()
			if use.Guest != 4*64<<10 || use.Host != h.memory.Used() || use.Peak != use.Host {
				t.Errorf("memory %+v", use)
			}
			if err := p.Close(); err != nil || h.memory.Used() != 0 {
				t.Errorf("after closing %d bytes are counted; %v", h.memory.Used(), err)
			}
		})
	}
}

// A cache directory that others can write to is refused, since compiled code is trusted blindly.
func TestHostCacheDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := New(context.Background(), Config{CacheDir: dir}); err == nil {
		t.Error("a directory of mode 0777 was taken")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := New(context.Background(), Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Open(context.Background(), builder().bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(h.Close(), h.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if _, err := h.Open(context.Background(), builder().bytes(), PluginOptions{}); err == nil {
		t.Error("a closed host opened a plugin")
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) == 0 {
		t.Errorf("the cache is empty: %v", err)
	}
}
