// Package budget says when there is too much of something ([LimitError]) and counts the host's memory
// that plugins make it hold ([Account]).
package budget
