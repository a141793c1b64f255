package host

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/host/internal/isolate"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/host/signature"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestIsolate opens a plugin under policies that pin it and one that does not.
func TestIsolate(t *testing.T) {
	if !isolate.Available {
		testenv.Skip(t, testenv.Kernel, "processes are isolated on Linux on amd64 and arm64")
	}
	wasm := newWasmGuest().describe("alone", nil).bytes()
	sum := sha256.Sum256(wasm)
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signature.Sign(wasm, nil, private)
	if err != nil {
		t.Fatal(err)
	}
	policies := map[string]string{
		"nothing": "class: observe\n",
		"digest":  fmt.Sprintf("plugin: {sha256: %s}\n", hex.EncodeToString(sum[:])),
		"signer":  fmt.Sprintf("plugin: {signers: [%q]}\n", signature.KeyOf(private)),
	}
	for _, tt := range []struct {
		isolate Isolate
		pins    string
		want    bool
	}{
		{IsolateNone, "nothing", false}, {IsolateNone, "digest", false},
		{IsolateUnpinned, "nothing", true}, {IsolateUnpinned, "digest", false}, {IsolateUnpinned, "signer", false},
		{IsolateAll, "nothing", true}, {IsolateAll, "digest", true}, {IsolateAll, "signer", true},
	} {
		p, err := policy.Parse("test.yaml", []byte(policies[tt.pins]))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		h, err := New(context.Background(), Config{NoCache: true, Isolate: tt.isolate,
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if err != nil {
			t.Fatal(err)
		}
		plugin, err := h.Open(context.Background(), wasm, PluginOptions{Policy: p, Signature: signed})
		if err != nil {
			t.Fatal(err)
		}
		process, has := plugin.Process()
		if has != tt.want || has != (process.PID != 0) || has != strings.Contains(log.String(), process.String()) {
			t.Errorf("isolate %d, a policy that pins %s: process %+v, %t; want %t; log %s", tt.isolate, tt.pins, process, has, tt.want, log.String())
		}
		if m := plugin.Memory(); m.Guest != 2<<16 || (m.Process > 1<<20) != has {
			t.Errorf("isolate %d: memory %+v", tt.isolate, m)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A plugin that cannot be isolated runs in this process only if that has nothing to lose.
func TestIsolateFallback(t *testing.T) {
	var log bytes.Buffer
	h := &Host{config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	for range 2 {
		if h.mayShare(ErrNotIsolated) == isolate.Privileged() {
			t.Errorf("it may share the process: %t; that is privileged: %t", !isolate.Privileged(), isolate.Privileged())
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n > 1 || (n == 1) == isolate.Privileged() {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
}
