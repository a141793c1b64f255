package sdk

//go:wasmexport bpfhost_abi
func hookABI() int32 {
	if marker == "" { // never; the use makes the linker leave it in the module
		return 0
	}
	return Version
}

//go:wasmexport bpfhost_describe
func hookDescribe() int32 { return run(registered.Describe) }

//go:wasmexport bpfhost_configure
func hookConfigure() int32 { return run(registered.Configure) }

//go:wasmexport bpfhost_plan
func hookPlan() int32 { return run(registered.Plan) }

//go:wasmexport bpfhost_loaded
func hookLoaded() int32 { return run(registered.Loaded) }

//go:wasmexport bpfhost_started
func hookStarted() int32 { return run(registered.Started) }

//go:wasmexport bpfhost_events
func hookEvents(src, ptr, n, nrec uint32) int32 { return runEvents(src, ptr, n, nrec) }

//go:wasmexport bpfhost_tick
func hookTick(now uint64) int32 {
	if registered.Tick == nil {
		return 0
	}
	return result(registered.Tick(now))
}

//go:wasmexport bpfhost_stop
func hookStop(reason uint32) int32 {
	if registered.Stop == nil {
		return 0
	}
	return result(registered.Stop(StopReason(reason)))
}
