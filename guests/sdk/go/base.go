package sdk

import "unsafe"

// Log writes one line to the operator's log.
func Log(level LogLevel, text string) { hostLog(uint32(level), text) }

// LogEnabled reports whether lines of that level are shown.
func LogEnabled(level LogLevel) bool { return hostLogEnabled(uint32(level)) > 0 }

// Has reports whether the host has a feature: a property's number, FeatureAttach + an attach kind,
// or FeatureSource + a map type.
func Has(feature uint32) bool { return hostFeature(feature) > 0 }

// Info returns what the host is.
func Info() (ABIInfo, error) {
	var info ABIInfo
	err := check(hostABIInfo(unsafe.Pointer(&info), uint32(unsafe.Sizeof(info))))
	return info, err
}

// Config returns the value of a parameter: what the operator set, or its default. ok is false if
// there is neither.
func Config(key string) (value string, ok bool) {
	b, err := fetchConfig(key)
	return string(b), err == nil
}

func fetchConfig(key string) ([]byte, error) {
	b := make([]byte, 128)
	for {
		n := hostCfgGet(key, data(b), uint32(len(b)))
		switch {
		case n < 0:
			return nil, Errno(-n)
		case int(n) <= len(b):
			return b[:n], nil
		}
		b = make([]byte, n)
	}
}

// ConfigUint returns the value of a parameter of type ParamU64, or of another whose text is a
// number.
func ConfigUint(key string) (uint64, error) {
	b, err := fetchConfig(key)
	if err != nil {
		return 0, check(-int32(CodeOf(err)))
	}
	v, ok := parseUint(string(b))
	if !ok {
		return 0, &Error{Func: "cfg_get", Code: ErrInval, Insn: -1, Text: key + ": " + string(b) + " is not a number"}
	}
	return v, nil
}

// ConfigBool reports whether a parameter is true.
func ConfigBool(key string) bool {
	v, _ := Config(key)
	return v == "true"
}

// ConfigKeys returns every key that Config knows, each followed by a line feed.
func ConfigKeys() (string, error) {
	b, err := fetch(hostCfgKeys)
	return string(b), err
}

// Monotonic returns nanoseconds as bpf_ktime_get_ns counts them. There is no clock while planning.
func Monotonic() (uint64, error) { return clock(ClockMonotonic) }

// Realtime returns nanoseconds since 1970, UTC. There is no clock while planning.
func Realtime() (uint64, error) { return clock(ClockRealtime) }

func clock(id uint32) (uint64, error) {
	var ns uint64
	err := check(hostClock(id, &ns))
	return ns, err
}

// StopRun asks the host to end the run after this hook. Code 0 is success.
func StopRun(code uint32) error { return check(hostStopRun(code)) }

// Timer has Plugin.Tick called every ms milliseconds; 0 ends that.
func Timer(ms uint32) error { return check(hostTimer(ms)) }

// Write writes output of the plugin. It makes a Stream an io.Writer.
func (s Stream) Write(b []byte) (int, error) {
	n := hostOutWrite(uint32(s), data(b), uint32(len(b)))
	if n < 0 {
		return 0, check(n)
	}
	return int(n), nil
}
