package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// libbpf is a process that does tasks with libbpf, one at a time: testdata/libbpf/libbpf.c. It is
// not safe for concurrent use.
type libbpf struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	log bytes.Buffer // what it writes about its own failures
}

// startLibbpf starts a program that was compiled of libbpf.c.
func startLibbpf(program string) (*libbpf, error) {
	l := &libbpf{cmd: exec.Command(program)}
	l.cmd.Stderr = &l.log
	var err error
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start libbpf: %w", err)
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start libbpf: %w", err)
	}
	l.out = bufio.NewReader(out)
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start libbpf: %w", err)
	}
	return l, nil
}

// version returns the library's version, e.g. "1.1".
func (l *libbpf) version() (string, error) {
	a, err := libbpfWork{l, "version", ""}.ask(0)
	return fmt.Sprintf("%d.%d", a.result>>16, a.result&0xffff), err
}

// stop ends the process. The error is that of the process.
func (l *libbpf) stop() error {
	if err := errors.Join(l.in.Close(), l.cmd.Wait()); err != nil {
		return fmt.Errorf("stop libbpf: %w\n%s", err, &l.log)
	}
	return nil
}

// answer is what the process says of a task: of all turns together, but for the result, which is
// the last one's.
type answer struct {
	turns          int
	passed, worked time.Duration
	allocs, bytes  float64
	result         uint64
}

// libbpfWork is a task of the process.
type libbpfWork struct {
	process     *libbpf
	task, input string
}

// ask has the task done until time has passed, at least once.
func (w libbpfWork) ask(each time.Duration) (answer, error) {
	var a answer
	l := w.process
	if _, err := fmt.Fprintf(l.in, "%s\t%s\t%d\n", w.task, w.input, each); err != nil {
		return a, fmt.Errorf("libbpf %s: %w", w.task, err)
	}
	line, err := l.out.ReadString('\n')
	if err != nil {
		return a, fmt.Errorf("libbpf %s: it ended: %w", w.task, err)
	}
	if why, ok := strings.CutPrefix(line, "error: "); ok {
		return a, fmt.Errorf("libbpf %s: %s", w.task, strings.TrimSpace(why))
	}
	if _, err := fmt.Sscan(line, &a.turns, (*int64)(&a.passed), (*int64)(&a.worked), &a.allocs, &a.bytes, &a.result); err != nil {
		return a, fmt.Errorf("libbpf %s: answer %q: %w", w.task, line, err)
	}
	return a, nil
}

// Once does the task once.
func (w libbpfWork) Once() error {
	_, err := w.ask(0)
	return err
}

// Measure does the task once, and then until enough time has passed.
func (w libbpfWork) Measure(o Options) (Cost, error) {
	if err := w.Once(); err != nil {
		return Cost{}, err
	}
	a, err := w.ask(o.Each)
	if err != nil {
		return Cost{}, err
	}
	took := a.passed
	if o.CPU {
		took = a.worked
	}
	return Cost{took.Seconds(), a.allocs, a.bytes}.per(a.turns), nil
}
