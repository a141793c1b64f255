package link_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
)

// A program sees the packets of an interface until its link is closed.
func ExampleXDP() {
	var c *loader.Collection // see loader.Load

	l, err := link.XDP(c.Program("count_drops"), link.XDPOptions{Interface: "eth0"})
	var failed *link.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Target, "cannot be had:", failed.Advice)
	}
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
}

// A link that is pinned stays when the process ends.
func ExampleLink() {
	var l link.Link // see XDP

	if err := l.Pin("/sys/fs/bpf/count_drops"); err != nil {
		log.Fatal(err)
	}
}
