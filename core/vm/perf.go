package vm

import "github.com/bpfhost/bpfhost/core/spec"

// perfSpace is how many bytes of samples the buffer of a CPU holds.
const perfSpace = 64 << 10

// Perf is the consumer of a perf event array, whose buffers all CPUs have open.
type Perf struct {
	data    []byte
	samples []sample
	next    int
	used    []int // bytes by CPU
	lost    uint64
}

// sample is where the bytes of a sample are.
type sample struct{ cpu, from, to int }

func newPerf(m *Machine, s *spec.Map, _ []byte) (table, error) {
	m.perfs[s.Name] = &Perf{used: make([]int, m.options.CPUs)}
	return nil, nil
}

// Perf returns the consumer of the perf event array of that name, or nil.
func (m *Machine) Perf(name string) *Perf { return m.perfs[name] }

// Read returns the next sample, in the order that they were written in, and the CPU that wrote it.
// It is valid until the next run. ok is false if there is none.
func (p *Perf) Read() (data []byte, cpu int, ok bool) {
	if p.next == len(p.samples) {
		return nil, 0, false
	}
	s := p.samples[p.next]
	p.next++
	p.used[s.cpu] -= s.to - s.from
	return p.data[s.from:s.to:s.to], s.cpu, true
}

// Lost returns how many samples found the buffer of their CPU full.
func (p *Perf) Lost() uint64 { return p.lost }

// write adds a sample of two parts. It reports whether there was space.
func (p *Perf) write(cpu int, a, b []byte) bool {
	n := len(a) + len(b)
	if p.used[cpu]+n > perfSpace {
		p.lost++
		return false
	}
	if p.next == len(p.samples) { // all were read
		p.data, p.samples, p.next = p.data[:0], p.samples[:0], 0
	}
	from := len(p.data)
	p.data = append(append(p.data, a...), b...)
	p.samples = append(p.samples, sample{cpu, from, len(p.data)})
	p.used[cpu] += n
	return true
}
