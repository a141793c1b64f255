//go:build !linux

package sandbox

import "time"

var clockStart = time.Now()

// threadTime returns the time since the start, where that of a thread is not to be had.
func threadTime() time.Duration { return time.Since(clockStart) }
