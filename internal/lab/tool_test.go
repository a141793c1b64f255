package lab

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program writes a file that can be executed as far as LookPath can tell.
func program(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// elfFile is an ELF file with one program header.
func elfFile(kind elf.ProgType) []byte {
	head := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1}
	copy(head.Ident[:], "\x7fELF\x02\x01\x01")
	b, err := binary.Append(nil, binary.LittleEndian, head)
	if err == nil {
		b, err = binary.Append(b, binary.LittleEndian, elf.Prog64{Type: uint32(kind)})
	}
	if err != nil {
		panic(err)
	}
	return b
}

func TestCheckTools(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	err := CheckTools()
	if !errors.Is(err, ErrTool) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "apt-get install qemu-system-x86 busybox-static xz-utils apt dpkg") {
		t.Errorf("nothing installed: %v", err)
	}
	for _, tool := range tools {
		program(t, dir, tool.name, elfFile(elf.PT_LOAD))
	}
	if err := CheckTools(); err != nil {
		t.Errorf("all installed: %v", err)
	}
	program(t, dir, "busybox", elfFile(elf.PT_INTERP))
	if err := CheckTools(); err == nil || err.Error() != "find static busybox: not installed (apt-get install busybox-static)" {
		t.Errorf("dynamic busybox: %v", err)
	}
	if isStatic(program(t, dir, "busybox", []byte("#!/bin/sh\n"))) {
		t.Error("a script counts as static")
	}
	// A machine says so too, before it does anything.
	if _, err := (Machine{}).Run(t.Context()); !errors.Is(err, ErrTool) {
		t.Errorf("Run: %v", err)
	}
}
