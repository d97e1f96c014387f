package cdc

import (
	"encoding/hex"
	"errors"
	"testing"
)

// One message of each kind, laid out by the manual.
var samples = []string{
	"42000000000b7d5ea00002f30a5e0c1f2800000345",                                           // begin
	"4300000000000b7d5ea0000000000b7d5ed00002f30a5e0c1f28",                                 // commit
	"52000040007075626c696300737263006400020169640000000017ffffffff007600000000170fffffff", // relation
	"49000040004e0002740000000131740000000130",                                             // insert
	"55000040004f00027400000001317400000001304e0002740000000131740000000131",               // update, full identity
	"44000040004b00027400000001316e",                                                       // delete by key
	"54000000010000004000",                                                                 // truncate
	"4d01000000000b7d5ea06173686c61722e6364630000000000",                                   // heartbeat
	"55000040004e000274000000013175",                                                       // update, value unchanged
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, text := range samples {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		m, err := decode(b)
		if err != nil || m == nil {
			t.Errorf("%s: %v, %v", text, m, err)
			continue
		}
		// Whatever is cut off, it is an error that says where.
		for n := range b {
			var fe *FormatError
			if _, err := decode(b[:n]); !errors.As(err, &fe) {
				t.Errorf("%s cut to %d bytes: %v", text, n, err)
			}
		}
		if _, err := decode(append(b, 0)); err == nil {
			t.Errorf("%s with a byte more: no error", text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range samples {
		b, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			return
		}
		a := newAssembler(10, heartbeatPrefix, Position{})
		_, _, _ = a.add(relationMessage{id: 1, columns: make([]relationColumn, 1)})
		_, _, _ = a.add(m) // must not panic, whatever comes first
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"", "16/B374D848", "0/1+0/2:3", "0/1+:1", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil || s == "" {
			return
		}
		again, err := ParsePosition(p.String())
		if err != nil || again != p {
			t.Errorf("%q reads as %+v, whose text %q reads as %+v, %v", s, p, p.String(), again, err)
		}
	})
}
