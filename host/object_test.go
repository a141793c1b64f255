package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/guest"
)

// printed runs an object in Go memory until all records of its ring are there, and returns what comes
// out.
func printed(t *testing.T, object string, o ObjectOptions, records ...string) (stdout, stderr string) {
	t.Helper()
	ring := backendtest.NewRing(records...)
	h, err := New(context.Background(), Config{NoCache: true, Backend: &backendtest.Backend{Ring: ring}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var out, diag bytes.Buffer
	o.Stdout, o.Stderr = &out, &diag
	p, err := h.OpenObject(context.Background(), Object{Name: object + ".bpf.o", Data: guestFile(t, object+"/"+object+".bpf.o")}, o)
	if err != nil {
		t.Fatal(err)
	}
	run := newRun(p)
	for _, m := range p.inputs[0].Collection.Maps {
		if m.Type == spec.MapRingbuf {
			run.live.Maps = append(run.live.Maps, &guest.LiveMap{Object: object, Map: backendtest.NewMap(m.Name, m.Type, 0, 0, int(m.MaxEntries))})
		}
	}
	p.in.Use(&run.live)
	p.in.Enter(abi.PhaseRun)
	if err := run.start(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- run.Serve(ctx) }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if a := run.Account(); len(a) == 1 && a[0].Delivered == uint64(len(records)) {
			break
		}
	}
	cancel()
	if err := errors.Join(<-done, run.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String(), diag.String()
}

// drop is a record of pktguard.
func drop(length uint16) string {
	b := binary.LittleEndian.AppendUint64(nil, 1)
	b = append(b, 10, 0, 0, 1, 10, 0, 0, 2, 1, 0, 0, 0)
	return string(append(binary.LittleEndian.AppendUint16(b, length), 17, 0))
}

// Records whose type is not known are shown as they are, those that are known by their fields.
func TestOpenObjectPrints(t *testing.T) {
	attach := map[string][]string{"pktguard": {"eth0"}}
	for _, tt := range []struct {
		o    ObjectOptions
		want string
	}{
		{ObjectOptions{Attach: attach}, "size  data\n  24  01000000000000000a0000010a000002010000003c001100\n  24  01000000000000000a0000010a000002010000003d001100\n"},
		{ObjectOptions{Attach: attach, PluginOptions: PluginOptions{Output: "jsonl"}}, `{"size":24,"data":"01000000000000000a0000010a000002010000003c001100"}` + "\n" +
			`{"size":24,"data":"01000000000000000a0000010a000002010000003d001100"}` + "\n"},
		{ObjectOptions{Attach: attach, Types: map[string]string{"drops": "struct config"}, Fields: []string{"sample", "min_len"}, Filter: "sample == 1"},
			" sample  min_len\n      1        0\n      1        0\n"},
		{ObjectOptions{Attach: attach, Types: map[string]string{"drops": "struct config"}, Filter: "sample == 2"}, " sample  drop_fragments  dry_run  min_len\n"},
	} {
		if got, _ := printed(t, "pktguard", tt.o, drop(60), drop(61)); got != tt.want {
			t.Errorf("%+v:\n%swant\n%s", tt.o, got, tt.want)
		}
	}
}

// What is not an object, or does not fit it, is told before anything is planned.
func TestOpenObjectErrors(t *testing.T) {
	h := newHost(t)
	netwatch := guestFile(t, "netwatch/netwatch.bpf.o")
	var option *OptionError
	for _, tt := range []struct {
		name string
		data []byte
		o    ObjectOptions
		is   func(error) bool
		want string
	}{
		{"text", []byte("int main(void)"), ObjectOptions{}, func(err error) bool { return errors.Is(err, ErrInput) }, "object text: "},
		{"netwatch.bpf.o", netwatch[:100], ObjectOptions{}, func(err error) bool { return errors.Is(err, ErrInput) }, "object netwatch.bpf.o: "},
		{"a/netwatch.bpf.o", netwatch, ObjectOptions{}, func(err error) bool { return errors.As(err, &option) }, "object netwatch.bpf.o: program \"netwatch\""},
	} {
		_, err := h.OpenObject(context.Background(), Object{Name: tt.name, Data: tt.data}, tt.o)
		if err == nil || !tt.is(err) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if len(h.plugins) != 0 {
		t.Errorf("%d plugins stayed open", len(h.plugins))
	}
}
