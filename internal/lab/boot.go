package lab

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed init.sh
var initScript []byte

// Job is one test binary to run in the machine.
type Job struct {
	Name    string            // shown in reports, e.g. "core/link"
	Binary  string            // static binary on this machine
	Dir     string            // folder in the machine that it starts in, e.g. /src/core/link
	Args    []string          // its arguments
	Env     []string          // NAME=value
	Files   map[string]string // further files or folders: where in the machine, and where on this one
	Modules []string          // kernel modules that are loaded where the kernel has them, before any job begins
}

// Machine is one boot: a kernel, the jobs, and the tree of files they read.
type Machine struct {
	Image   *Image
	Vmlinuz string // boots this kernel in place of the image's
	Jobs    []Job
	Without []Feature     // what the machine lacks
	Modules []string      // further kernel modules to load; it is an error where the image has no file of one
	Tree    string        // folder whose files appear below /src; "" is none
	Silence time.Duration // ends the machine when no job writes anything for so long; 0 is DefaultSilence
	Output  io.Writer     // the jobs' output as it comes, by whole lines; nil drops it
	Ended   func(Result)  // is called when a job has ended; may be nil
	Collect string        // folder that gets the files which the jobs left in CollectDir; "" collects none
	Shell   bool          // runs a shell on standard input and output in place of running the jobs
}

// CollectDir is where jobs put files that are to come back.
const CollectDir = "/tmp/out"

// panicMark begins what a kernel says when it panics (kernel/panic.c). A long trace follows.
const panicMark = "Kernel panic"

// ErrMachine is wrapped by every failure of the machine itself: it panicked, hung or could not
// start.
var ErrMachine = errors.New("the virtual machine failed")

// Result is how a job ended.
type Result struct {
	Job    Job
	Exit   int // -1: the machine ended before the job did
	Output string
	Start  time.Duration // when it began, counted from the start of the machine
	Time   time.Duration // how long it ran
}

// Run boots the machine, runs the jobs in order and powers it off. When the machine fails, the
// results up to there come with an error that wraps ErrMachine and holds the end of the console:
// also when the jobs write nothing for m.Silence. How long they take in all is not a reason to
// end. It ends at once when ctx does.
func (m Machine) Run(ctx context.Context) ([]Result, error) {
	if err := CheckTools(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lab-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := m.writeInitrd(filepath.Join(dir, "initrd")); err != nil {
		return nil, fmt.Errorf("make initial RAM disk: %w", err)
	}
	m.Silence = cmp.Or(m.Silence, DefaultSilence)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", m.args(dir)...)
	cmd.SysProcAttr = dieWithParent()
	if m.Shell {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		return nil, cmd.Run()
	}
	console := &tail{max: 40, mark: panicMark}
	cmd.Stdout, cmd.Stderr = console, console
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.ExtraFiles = []*os.File{in}
	if err := cmd.Start(); err != nil {
		in.Close()
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	in.Close()
	c := collector{jobs: m.Jobs, live: m.Output, ended: m.Ended, booted: time.Now()}
	w := newWatch(out, m.Silence, cancel)
	defer w.stop()
	c.read(w)
	err = m.verdict(ctx, cmd.Wait(), c, console.String())
	if err == nil && m.Collect != "" {
		err = unpack(filepath.Join(dir, "collected"), m.Collect)
	}
	return c.results, err
}

func (m Machine) verdict(ctx context.Context, err error, c collector, console string) error {
	what := ""
	switch {
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSilent):
		return fmt.Errorf("run kernel %s: %w", m.Name(), context.Cause(ctx))
	case strings.Contains(console, panicMark):
		what = "kernel panic"
	case ctx.Err() != nil:
		what = fmt.Sprintf("%s%v for %v", c.running(), errSilent, m.Silence)
	case err != nil:
		what = "QEMU: " + err.Error()
	case !c.done:
		what = "it stopped before the tests ended"
	default:
		return nil
	}
	return fmt.Errorf("run kernel %s: %w: %s; end of its console:\n%s", m.Name(), ErrMachine, what, console)
}

// defaultCPU is all that QEMU can emulate but for cmpxchg16b: QEMU now and then leaves a wrong
// flags register after it, and kernels whose allocator uses it panic (6.12: every second boot).
// Without it the kernel disables interrupts there.
const defaultCPU = "max,-cx16"

func (m Machine) args(dir string) []string {
	kernel := m.Image.Vmlinuz
	if m.Vmlinuz != "" {
		kernel = m.Vmlinuz
	}
	a := []string{
		"-machine", "q35", "-cpu", cmp.Or(m.Image.Kernel.CPU, defaultCPU), "-accel", "tcg,thread=single", "-smp", "2", "-m", "2G",
		"-kernel", kernel, "-initrd", filepath.Join(dir, "initrd"), "-no-reboot", "-display", "none", "-net", "none",
		"-append", m.commandLine(),
		"-serial", "stdio",
	}
	if m.Shell {
		return a
	}
	return append(a,
		"-chardev", "file,id=out,path=/dev/fd/3", "-serial", "chardev:out",
		"-serial", "file:"+filepath.Join(dir, "collected"))
}

// writeInitrd packs busybox, the init script, modules, jobs and the tree.
func (m Machine) writeInitrd(file string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	mods, err := m.modules()
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	a := newArchive(f)
	for _, d := range []string{"proc", "sys", "dev", "tmp", "lab", "src"} {
		a.dir(d)
	}
	a.file("/bin/busybox", busybox)
	a.bytes("/init", 0o755, initScript)
	var names []string
	for _, mod := range mods {
		names = append(names, mod.name)
		a.bytes("/lab/"+mod.name+".ko", 0o644, mod.data)
	}
	a.bytes("/lab/without", 0o644, []byte(joinFeatures(m.Without, "\n")+"\n"))
	a.bytes("/lab/modules", 0o644, []byte(strings.Join(names, "\n")+"\n"))
	if m.Shell {
		a.bytes("/lab/shell", 0o644, nil)
	}
	if m.Vmlinuz == "" && m.Image.Config != "" {
		a.file("/boot/config-"+m.Image.Release, m.Image.Config)
	}
	if m.Tree != "" {
		a.tree("/src", m.Tree, keepFile)
	}
	a.bytes("/lab/jobs", 0o755, []byte(m.jobScript()))
	for i, j := range m.Jobs {
		a.file(fmt.Sprintf("/lab/job%d", i), j.Binary)
		for _, to := range slices.Sorted(maps.Keys(j.Files)) {
			a.add(to, j.Files[to])
		}
	}
	return a.close()
}

// kernelEnv tells tests that they run in the lab, and on which kernel: testenv.InLab.
const kernelEnv = "BPFHOST_LAB"

// jobScript runs each job between two marks that collector.read looks for.
func (m Machine) jobScript() string {
	var b strings.Builder
	fmt.Fprintf(&b, "export %s=%s\n", kernelEnv, quote(m.Name()))
	for i, j := range m.Jobs {
		fmt.Fprintf(&b, "echo '@@lab start %d'\nmkdir -p %s && cd %s\n", i, quote(j.Dir), quote(j.Dir))
		for _, e := range j.Env {
			fmt.Fprintf(&b, "%s ", quoteEnv(e))
		}
		fmt.Fprintf(&b, "/lab/job%d", i)
		for _, arg := range j.Args {
			b.WriteString(" " + quote(arg))
		}
		fmt.Fprintf(&b, " </dev/null\necho \"@@lab exit %d $?\"\n", i)
	}
	return b.String()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func quoteEnv(e string) string {
	name, value, _ := strings.Cut(e, "=")
	return name + "=" + quote(value)
}

// collector takes the stream of the second serial port apart.
type collector struct {
	jobs    []Job
	live    io.Writer
	ended   func(Result)
	booted  time.Time
	results []Result
	done    bool
}

func (c *collector) add(r Result) {
	c.results = append(c.results, r)
	if c.ended != nil {
		c.ended(r)
	}
}

// running names the job that did not end, for the front of a message: "core/link: ", or nothing.
func (c *collector) running() string {
	if n := len(c.results); n > 0 && c.results[n-1].Exit == -1 {
		return c.results[n-1].Job.Name + ": "
	}
	return ""
}

func (c *collector) read(r io.Reader) {
	var begun time.Time
	var text strings.Builder
	current := -1
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := strings.TrimRight(sc.Text(), "\r")
		var i, exit int
		switch {
		case line == "@@lab done":
			c.done = true
		case scan(line, "@@lab start %d", &i) && i < len(c.jobs):
			current, begun = i, time.Now()
			text.Reset()
		case scan(line, "@@lab exit %d %d", &i, &exit) && i == current:
			c.add(Result{Job: c.jobs[i], Exit: exit, Output: text.String(), Start: begun.Sub(c.booted), Time: time.Since(begun)})
			current = -1
		default:
			text.WriteString(line + "\n")
			if c.live != nil && current >= 0 {
				fmt.Fprintln(c.live, line)
			}
		}
	}
	if current >= 0 {
		c.add(Result{Job: c.jobs[current], Exit: -1, Output: text.String(), Start: begun.Sub(c.booted), Time: time.Since(begun)})
	}
}

func scan(line, format string, to ...any) bool {
	n, err := fmt.Sscanf(line, format, to...)
	return err == nil && n == len(to)
}

// tail keeps the last lines that were written to it.
type tail struct {
	mu    sync.Mutex
	max   int
	mark  string // the first line with it is kept however long ago it was; empty is none
	lines []string
	part  string
	first string // that line, when it is no longer among lines
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(t.part+string(b), "\n")
	t.part = lines[len(lines)-1]
	t.lines = append(t.lines, lines[:len(lines)-1]...)
	if n := len(t.lines) - t.max; n > 0 {
		marked := func(line string) bool { return t.mark != "" && strings.Contains(line, t.mark) }
		if i := slices.IndexFunc(t.lines[:n], marked); i >= 0 && t.first == "" {
			t.first = t.lines[i]
		}
		t.lines = t.lines[n:]
	}
	return len(b), nil
}

// String is the kept lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.Join(append(t.lines, t.part), "\n")
	if t.first != "" {
		return t.first + "\n[…]\n" + text
	}
	return text
}
