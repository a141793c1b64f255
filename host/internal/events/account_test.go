package events

import "testing"

func TestAccount(t *testing.T) {
	for _, tt := range []struct {
		name string
		a    Account
		want Account
		text string
	}{
		{"both known", Account{Sent: 1204118, Lost: 128, Delivered: 1203990, SentKnown: true, LostKnown: true},
			Account{Sent: 1204118, Lost: 128, Delivered: 1203990, SentKnown: true, LostKnown: true},
			"1,204,118 sent by programs = 1,203,990 delivered + 128 lost in ring (0.01%) + 0 dropped by host"},
		{"sent known", Account{Sent: 10, Delivered: 7, Dropped: 1, SentKnown: true},
			Account{Sent: 10, Delivered: 7, Dropped: 1, Lost: 2, SentKnown: true},
			"10 sent by programs = 7 delivered + 2 lost in ring (20.00%) + 1 dropped by host"},
		{"lost known", Account{Lost: 3, Delivered: 1000000, LostKnown: true},
			Account{Sent: 1000003, Lost: 3, Delivered: 1000000, LostKnown: true},
			"1,000,003 sent by programs = 1,000,000 delivered + 3 lost in ring (<0.01%) + 0 dropped by host"},
		{"nothing known", Account{Delivered: 999, Dropped: 1},
			Account{Sent: 1000, Delivered: 999, Dropped: 1},
			"1,000 taken from ring = 999 delivered + 1 dropped by host; the program does not count what it loses"},
		{"contradiction", Account{Sent: 10, Delivered: 5, Lost: 2, SentKnown: true, LostKnown: true},
			Account{Sent: 10, Delivered: 5, Lost: 2, Missing: 3, SentKnown: true, LostKnown: true},
			"10 sent by programs = 5 delivered + 2 lost in ring (20.00%) + 0 dropped by host + 3 not accounted for"},
		{"more than was sent", Account{Sent: 4, Delivered: 5, SentKnown: true},
			Account{Sent: 4, Delivered: 5, Missing: -1, SentKnown: true},
			"4 sent by programs = 5 delivered + 0 lost in ring (0%) + 0 dropped by host + -1 not accounted for"},
	} {
		a := tt.a
		a.balance()
		if a != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, a, tt.want)
		}
		if got := a.String(); got != tt.text {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.text)
		}
		if int64(a.Sent) != int64(a.Delivered+a.Lost+a.Dropped)+a.Missing {
			t.Errorf("%s: does not add up: %+v", tt.name, a)
		}
	}
}
