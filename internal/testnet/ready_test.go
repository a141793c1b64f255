package testnet

import (
	"strings"
	"testing"
)

func TestReceivedNamesWhatIsMissing(t *testing.T) {
	n := newNet(t)
	err := n.Do(func() error {
		_, err := received("nosuch0")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("got %v", err)
	}
}
