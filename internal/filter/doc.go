// Package filter is the grammar by which commands choose records: conditions over the fields of a
// record, typed by BTF.
//
//	pid == 12 && comm != "bash"
//	reason in ["BLOCKED", "SHORT"] || !(source in "10.0.0.0/8")
//	bitand(flags, 0x4) != 0 && file startsWith "/tmp/"
//
// The grammar is that of github.com/expr-lang/expr, of which this package takes the part that has a
// meaning for records: the names of fields, literals, ! && || (not, and, or), == != < <= > >=, in
// (a list, a range 1..9, a network), contains, startsWith, endsWith, matches, and bitand. What a
// text means is decided by the field that it is compared with: the name of a value of an enum, an
// address, a number that needs all 64 bits of an unsigned one. Numbers are compared as they are,
// signed with unsigned ones too.
//
// Everything is checked when a filter is compiled: names, types, and whether a number fits its field.
// The syntax tree is kept, so that a filter can be put to use elsewhere than in this process.
package filter
