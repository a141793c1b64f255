package objectrun

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// size is what a map has room for.
type size struct {
	mapName string
	entries uint32 // of a ring buffer, bytes
}

// mapSizes reads the sizes that maps get.
func (p *Plugin) mapSizes() error {
	for _, name := range slices.Sorted(maps.Keys(p.options.MapSizes)) {
		value := p.options.MapSizes[name]
		n, err := p.mapSize(name, value)
		if err != nil {
			return p.bad("--map-size "+name+"="+value, "%w", err)
		}
		p.sizes = append(p.sizes, size{name, n})
	}
	return nil
}

func (p *Plugin) mapSize(name, value string) (uint32, error) {
	m := p.object.Map(name)
	switch {
	case m == nil:
		return 0, fmt.Errorf("there is no map %q%s", name, nearest.Hint(name, p.mapNames()))
	case m.Section != ".maps" && m.Section != "maps" && m.Section != "":
		return 0, fmt.Errorf("map %q holds the variables of section %s, which say how large it is", name, m.Section)
	}
	n, err := parseSize(value)
	if err != nil {
		return 0, err
	}
	if m.Type == spec.MapRingbuf && n&(n-1) != 0 {
		return 0, fmt.Errorf("map %q is a ring buffer, whose bytes are a power of 2", name)
	}
	resized := m.Clone()
	resized.MaxEntries = n
	if err := resized.Check(); err != nil {
		return 0, err
	}
	return n, nil
}

// parseSize reads a number, "65536" or "64KiB".
func parseSize(text string) (uint32, error) {
	digits, unit := text, uint64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			digits, unit = cut, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseUint(digits, 0, 64)
	if err != nil || n == 0 || n > math.MaxUint32/unit {
		return 0, fmt.Errorf("%q is not a number from 1 to %d; KiB and MiB may follow it", text, uint32(math.MaxUint32))
	}
	return uint32(n * unit), nil
}
