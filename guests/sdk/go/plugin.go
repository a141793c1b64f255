package sdk

// Plugin is what a plugin does, hook by hook. Each may be nil.
type Plugin struct {
	Describe  func() error           // say who you are, see Me
	Configure func() error           // read and judge the configuration, see Config
	Plan      func() error           // build and patch; no kernel yet
	Loaded    func() error           // maps exist, nothing is attached: fill them
	Started   func() error           // everything is attached: open sources
	Events    func(Batch) error      // one batch of one source
	Tick      func(now uint64) error // the timer, see Timer; now is monotonic nanoseconds
	Stop      func(StopReason) error // everything is detached: last output
}

// registered is the plugin of this module: there is one, since a module is one plugin.
var registered Plugin

// Register says what the plugin does. Call it once, from an init function.
func Register(p Plugin) { registered = p }

// run calls a hook and turns its error into what the host gets, after logging its text.
func run(hook func() error) int32 {
	if hook == nil {
		return 0
	}
	return result(hook())
}

func result(err error) int32 {
	if err == nil {
		return 0
	}
	Log(LogError, err.Error())
	return -int32(CodeOf(err))
}

// runEvents hands a batch to the plugin. It returns how many records were consumed.
func runEvents(src, ptr, n, nrec uint32) int32 {
	if registered.Events == nil {
		return int32(nrec)
	}
	b, err := batch(Source(src), ptr, n, nrec)
	if err == nil {
		err = registered.Events(b)
	}
	if err != nil {
		return result(err)
	}
	return int32(nrec)
}
