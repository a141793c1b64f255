package link

import (
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// running reads the version of the running kernel; zero when it cannot be read.
func running() spec.Version {
	release, _, err := sys.Uname()
	if err != nil {
		return spec.Version{}
	}
	v, _ := spec.ParseVersion(release)
	return v
}

// older reports whether the running kernel is known to be older than a version.
func older(than spec.Version) bool { return isOlder(running(), than) }

func isOlder(running, than spec.Version) bool {
	return running != spec.Version{} && running.Compare(than) < 0
}

// tooOld returns a *loader.FeatureError when the running kernel is older than since, otherwise err.
func tooOld(feature string, since spec.Version, err error) error {
	now := running()
	if !isOlder(now, since) {
		return err
	}
	return &loader.FeatureError{Feature: feature, MinKernel: since.String(), Running: now.String(), Err: err}
}
