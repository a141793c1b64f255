package ring_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/ring"
)

// Records are handled in batches, without copying, until Ctrl-C.
func ExampleReader() {
	var c *loader.Collection // see loader.Load

	r, err := ring.Open(c.Map("events"))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for r.Wait(ctx) == nil {
		_, err := r.Drain(func(rec []byte) bool {
			fmt.Printf("%d bytes: %x\n", len(rec), rec) // rec is good until the function returns
			return true
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(r.Stats().Records, "records")
}
