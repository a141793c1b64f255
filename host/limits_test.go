package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
	if _, err := p.Plan(context.Background()); !errors.As(err, &limit) || limit.Max != "20ms" || limit.Export != "bpfhost_plan" {
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
