//go:build linux && (amd64 || arm64)

package sys

import "golang.org/x/sys/unix"

// DenyBPF makes one command of bpf(2) (enum bpf_cmd) fail with EPERM in every thread of this process,
// as the filter of a container does. It is for tests.
func DenyBPF(command uint32) error {
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	unless := func(k uint32, n uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: n, K: k}
	}
	return installFilter([]unix.SockFilter{
		load(dataNumber), unless(unix.SYS_BPF, 3),
		load(dataArg0), unless(command, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: retEPERM},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
	})
}
