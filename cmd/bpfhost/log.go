package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// newLog returns a logger that writes one line for each message: "bpfhost: warning: text
// key=value". A plugin's own start with "bpfhost: plugin NAME: ".
func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(&lineHandler{w: w, mu: new(sync.Mutex), level: level})
}

// lineHandler is a slog.Handler for people. Nothing of a message reaches a terminal as a control.
type lineHandler struct {
	w     io.Writer
	mu    *sync.Mutex // shared by handlers with attributes
	level slog.Level
	attrs []slog.Attr
}

// levelMarks stand before the text of messages that are not plain information.
var levelMarks = map[slog.Level]string{
	slog.LevelDebug: "debug: ",
	slog.LevelWarn:  "warning: ",
	slog.LevelError: "error: ",
}

// Enabled reports whether messages of the level are shown.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle writes one message.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	b := bytes.NewBufferString("bpfhost: ")
	var rest strings.Builder
	add := func(a slog.Attr) bool {
		if a.Key == "plugin" { // who speaks stands first, so that no plugin can pass for the host
			b.WriteString("plugin " + quote.Text(a.Value.String()) + ": ")
			return true
		}
		rest.WriteString(" " + quote.Text(a.Key+"="+a.Value.String()))
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	b.WriteString(levelMarks[r.Level] + quote.Text(r.Message) + rest.String() + "\n")
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(b.Bytes())
	return err
}

// WithAttrs returns a handler that adds attributes to every message.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.attrs = append(slices.Clip(h.attrs), attrs...)
	return &n
}

// WithGroup returns the handler as it is: groups have no place in a line.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }
