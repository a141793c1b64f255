package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestBigEndian builds the command for s390x, a big-endian machine, and runs it in an emulator: what
// commands without effect print is the same to the byte.
func TestBigEndian(t *testing.T) {
	emulator, err := exec.LookPath("qemu-s390x-static")
	if err != nil {
		testenv.Skip(t, testenv.Packages, "qemu-user-static is not installed")
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(t.TempDir(), "bpfhost")
	build := exec.Command("go", "build", "-o", built, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=s390x", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for s390x: %v\n%s", err, out)
	}
	for _, command := range pureCommands(t) {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(command)
			native := exec.Command(own, args...)
			native.Args[0] = "bpfhost"
			want, wantErr := printed(t, native)
			got, gotErr := printed(t, exec.Command(emulator, append([]string{built}, args...)...))
			if !bytes.Equal(got, want) || gotErr != wantErr {
				t.Errorf("on s390x it prints\n%s%s\nand here\n%s%s", got, gotErr, want, wantErr)
			}
		})
	}
}

// pureCommands are commands that need no kernel, for the objects and plugins of this repository.
func pureCommands(t *testing.T) []string {
	t.Helper()
	objects, err := filepath.Glob("../../core/elf/testdata/*.o")
	if err != nil || len(objects) < 5 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	list := []string{
		"plan ../../guests/quickstart/quickstart.wasm --set iface=lo",
		"plan -o json ../../guests/quickstart/quickstart.wasm --set iface=lo",
		"inspect ../../guests/pktguard/pktguard.wasm",
		"inspect " + objects[0],
	}
	for _, o := range objects {
		list = append(list, "inspect -o json "+o, "disasm "+o)
	}
	return list
}

// printed runs a command and returns what it writes to standard output and standard error.
func printed(t *testing.T, cmd *exec.Cmd) (stdout []byte, stderr string) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &diagnostics)
	}
	return out.Bytes(), diagnostics.String()
}
