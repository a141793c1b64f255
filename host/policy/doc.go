// Package policy judges what a plugin does and what is about to be loaded for it.
package policy
