package events

import (
	"fmt"
	"strconv"
	"strings"
)

// Account says what became of the records of one event source: Sent = Delivered + Lost +
// Dropped + Missing. Missing is zero unless the program's own counts contradict what arrived.
type Account struct {
	Source     string `json:"source"`    // name of the ring buffer
	Sent       uint64 `json:"sent"`      // records that programs meant to send
	Delivered  uint64 `json:"delivered"` // records that the plugin consumed
	Lost       uint64 `json:"lost"`      // records that did not fit into the ring
	Dropped    uint64 `json:"dropped"`   // records that the host took from the ring and the plugin did not consume
	Missing    int64  `json:"missing"`
	SentKnown  bool   `json:"sent_known"` // the program counts Sent; otherwise it is the sum of the others
	LostKnown  bool   `json:"lost_known"` // the program counts Lost; otherwise it is what is left of Sent
	Batches    uint64 `json:"batches"`    // calls of the plugin
	Incomplete bool   `json:"incomplete"` // the program's counts could not be read to the end
}

// balance fills in what follows from the rest.
func (a *Account) balance() {
	arrived := a.Delivered + a.Dropped
	switch {
	case a.SentKnown && a.LostKnown:
		a.Missing = int64(a.Sent - arrived - a.Lost)
	case a.LostKnown:
		a.Sent = arrived + a.Lost
	case a.SentKnown && a.Sent >= arrived:
		a.Lost = a.Sent - arrived
	case a.SentKnown:
		a.Missing = int64(a.Sent - arrived)
	default:
		a.Sent = arrived
	}
}

// String returns one line: "1,204,118 sent by programs = 1,203,990 delivered + 128 lost in ring
// (0.01%) + 0 dropped by host".
func (a Account) String() string {
	s := fmt.Sprintf("%s sent by programs = %s delivered + ", Thousands(a.Sent), Thousands(a.Delivered))
	if !a.SentKnown && !a.LostKnown {
		s = fmt.Sprintf("%s taken from ring = %s delivered + ", Thousands(a.Sent), Thousands(a.Delivered))
	} else {
		s += fmt.Sprintf("%s lost in ring (%s) + ", Thousands(a.Lost), percent(a.Lost, a.Sent))
	}
	s += Thousands(a.Dropped) + " dropped by host"
	if a.Missing != 0 {
		s += fmt.Sprintf(" + %d not accounted for", a.Missing)
	}
	if !a.SentKnown && !a.LostKnown {
		s += "; the program does not count what it loses"
	}
	if a.Incomplete {
		s += "; its counts could not be read at the end"
	}
	return s
}

// Thousands writes a number with a comma before every three digits.
func Thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent never rounds a loss to nothing.
func percent(part, whole uint64) string {
	switch {
	case part == 0 || whole == 0:
		return "0%"
	case float64(part)/float64(whole) < 0.0001:
		return "<0.01%"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(whole))
}

// shorten leaves the object's name out where the map's alone is clear.
func shorten(accounts []Account) {
	count := make(map[string]int)
	for _, a := range accounts {
		count[mapName(a.Source)]++
	}
	for i := range accounts {
		if short := mapName(accounts[i].Source); count[short] == 1 {
			accounts[i].Source = short
		}
	}
}

// mapName returns the last part of object/map.
func mapName(source string) string { return source[strings.LastIndexByte(source, '/')+1:] }
