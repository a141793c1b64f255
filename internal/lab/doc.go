// Package lab boots other kernels in virtual machines and runs test binaries on them.
//
// A kernel comes from Debian's packages: the newest that a suite's meta package names. It is
// unpacked, never installed, and kept in the user's cache with its checksums. For each boot an
// initial RAM disk is made from a static busybox, an init script, a few modules, the test binaries
// and the files they read. QEMU emulates the machine in software, so neither root nor KVM is
// needed.
//
// A package that is missing, a kernel that panics and a machine that hangs each end in an error
// that says so and shows the end of the console.
package lab
