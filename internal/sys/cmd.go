package sys

// cmd is a command of bpf(2) (enum bpf_cmd, include/uapi/linux/bpf.h).
type cmd uintptr

const (
	cmdMapCreate       cmd = 0
	cmdMapLookup       cmd = 1
	cmdMapUpdate       cmd = 2
	cmdMapDelete       cmd = 3
	cmdMapNextKey      cmd = 4
	cmdProgLoad        cmd = 5
	cmdObjPin          cmd = 6
	cmdObjGet          cmd = 7
	cmdProgAttach      cmd = 8
	cmdProgDetach      cmd = 9
	cmdProgTestRun     cmd = 10
	cmdProgNextID      cmd = 11
	cmdMapNextID       cmd = 12
	cmdProgByID        cmd = 13
	cmdMapByID         cmd = 14
	cmdObjInfo         cmd = 15
	cmdProgQuery       cmd = 16
	cmdRawTracepoint   cmd = 17
	cmdBTFLoad         cmd = 18
	cmdBTFByID         cmd = 19
	cmdMapLookupDelete cmd = 21
	cmdMapFreeze       cmd = 22
	cmdBTFNextID       cmd = 23
	cmdMapLookupBatch  cmd = 24
	cmdMapUpdateBatch  cmd = 26
	cmdMapDeleteBatch  cmd = 27
	cmdLinkCreate      cmd = 28
	cmdLinkUpdate      cmd = 29
	cmdLinkByID        cmd = 30
	cmdLinkNextID      cmd = 31
	cmdEnableStats     cmd = 32
	cmdLinkDetach      cmd = 34
	cmdProgBindMap     cmd = 35
	cmdNone            cmd = 1 << 20 // no kernel has it
)
