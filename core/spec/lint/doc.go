// Package lint tells, without a kernel, which programs kernels refuse: as errors what the spec
// proves, as warnings what is likely. It does not replace the verifier: a program without
// diagnostics may be refused, one with an error never loads. By what it proves,
// [Requirements] tells which kernels a collection needs.
package lint
