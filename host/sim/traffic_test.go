package sim

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseFlow(t *testing.T) {
	for _, tt := range []struct {
		text, err string
		want      Flow
	}{
		{"udp=3,tcp=2,icmp=1", "", Flow{UDP: 3, TCP: 2, ICMP: 1, From: 2, Every: 5 * time.Millisecond}},
		{"icmp=7,from=3,size=100,every=1us", "", Flow{ICMP: 7, From: 3, Size: 100, Every: time.Microsecond}},
		{"", `"" is unknown`, Flow{}},
		{"from=3", "it has no packets", Flow{}},
		{"udp=x", `"udp=x" is not a number from 0 to`, Flow{}},
		{"udp=1,from=300", `"from=300" is not a number from 0 to 254`, Flow{}},
		{"udp=1,every=-1s", `"every=-1s" is not a time`, Flow{}},
		{"tpc=1", `"tpc" is unknown, did you mean "tcp"?`, Flow{}},
	} {
		got, err := ParseFlow(tt.text)
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("%q: %+v, %v", tt.text, got, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%q: %v, want %s", tt.text, err, tt.err)
		}
	}
}

// TestTraffic holds that packets come in turns and have right checksums.
func TestTraffic(t *testing.T) {
	src := Traffic(Flow{UDP: 3, TCP: 1, ICMP: 2, Every: 7}, Flow{TCP: 1, From: 9, Size: 5})
	var protos []byte
	for i := uint64(0); ; i++ {
		p, err := src.Next()
		if err == io.EOF {
			break
		}
		ip := p.Data[14:]
		protos = append(protos, ip[9])
		if n := int(binary.BigEndian.Uint16(ip[2:])); n != len(ip) || p.Time != 7*i {
			t.Errorf("packet %d has %d bytes and says %d; time %d", i, len(ip), n, p.Time)
		}
		if checksum(0, ip[:20]) != 0 {
			t.Errorf("packet %d: the checksum of its header is wrong", i)
		}
		pseudo := uint32(ip[9]) + uint32(len(ip)-20)
		for j := 12; j < 20; j += 2 {
			pseudo += uint32(binary.BigEndian.Uint16(ip[j:]))
		}
		if ip[9] == protoICMP {
			pseudo = 0
		}
		if checksum(pseudo, ip[20:]) != 0 {
			t.Errorf("packet %d: the checksum of protocol %d is wrong", i, ip[9])
		}
		if want := byte(2); i == 6 {
			want = 9
		} else if ip[15] != want {
			t.Errorf("packet %d is from %d", i, ip[15])
		}
	}
	if want := []byte{17, 6, 1, 17, 1, 17, 6}; !slices.Equal(protos, want) {
		t.Errorf("protocols %v, want %v", protos, want)
	}
	again := Traffic(Flow{UDP: 1, Repeat: true})
	for range 10 {
		if _, err := again.Next(); err != nil {
			t.Fatal(err)
		}
	}
}
