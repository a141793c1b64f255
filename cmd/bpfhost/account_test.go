package main

import (
	"encoding/json"
	"testing"

	"github.com/bpfhost/bpfhost/host"
)

func TestAccountDoc(t *testing.T) {
	tests := []struct {
		in   host.SourceAccount
		want string
	}{
		{host.SourceAccount{Source: "events", Sent: 10, Delivered: 7, Lost: 2, Dropped: 1, SentKnown: true, LostKnown: true},
			`{"schema":"bpfhost.account/v1","source":"events","sent":10,"delivered":7,"lost":2,"dropped":1,"missing":0}`},
		{host.SourceAccount{Source: "a\x1b", Sent: 3, Delivered: 3},
			`{"schema":"bpfhost.account/v1","source":"a\u001b","sent":null,"delivered":3,"lost":null,"dropped":0,"missing":0}`},
	}
	for _, tt := range tests {
		b, err := json.Marshal(newAccountDoc(tt.in))
		if err != nil {
			t.Fatal(err)
		}
		if string(b) != tt.want {
			t.Errorf("got  %s\nwant %s", b, tt.want)
		}
	}
}
