package policy

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// sizeUnits are the suffixes of sizes, largest first.
var sizeUnits = []struct {
	suffix string
	bytes  uint64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// ParseSize reads a whole number of bytes, KiB, MiB, GiB or TiB.
func ParseSize(text string) (uint64, bool) {
	unit := uint64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, ok := parseCount(text)
	hi, lo := bits.Mul64(n, unit)
	return lo, ok && hi == 0
}

// parseCount reads a decimal number without sign. Underscores between digits are allowed.
func parseCount(text string) (uint64, bool) {
	if strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(text, "_", ""), 10, 64)
	return n, err == nil && text[0] != '+'
}

// formatSize prints a size in the largest unit that leaves at least one, with one decimal where it
// is not whole.
func formatSize(n uint64) string {
	if n == math.MaxUint64 {
		return "more than fits 64 bits"
	}
	for _, u := range sizeUnits {
		switch {
		case n < u.bytes:
		case n%u.bytes == 0:
			return fmt.Sprintf("%d %s", n/u.bytes, u.suffix)
		default:
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.bytes), u.suffix)
		}
	}
	return "0 B"
}
