package testcase

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/internal/pcap"
)

// packet reads a packet: bytes in hexadecimal, or one of a capture, {pcap: FILE, number: N}.
func packet(n *yaml.Node, read func(string) ([]byte, error)) ([]byte, error) {
	if n.Kind == yaml.ScalarNode {
		return parseHex(n)
	}
	name, number := "", 1
	err := mapping(n, keys{
		"pcap": func(n *yaml.Node) (err error) { name, err = text(n); return err },
		"number": func(n *yaml.Node) (err error) {
			if number, err = strconv.Atoi(n.Value); err != nil || number < 1 {
				return failf(n, "%q is not the number of a packet, from 1", n.Value)
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, failf(n, "the key pcap is missing: the file name of a capture")
	}
	b, err := read(name)
	if err != nil {
		return nil, failf(n, "%w", err)
	}
	r, err := pcap.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, failf(n, "read %s: %w", name, err)
	}
	for i := 1; ; i++ {
		p, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, failf(n, "%s has %d packets; there is no packet %d", name, i-1, number)
		case err != nil:
			return nil, failf(n, "read %s: %w", name, err)
		case i == number:
			return bytes.Clone(p.Data), nil
		}
	}
}
