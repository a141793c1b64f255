// Package report holds the parts that JSON documents of commands and plans share, so that a note, a
// CO-RE result or a requirement looks the same wherever it is shown. It is pure and prints nothing.
// Fields are only ever added.
package report
