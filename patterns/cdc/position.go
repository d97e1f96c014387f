package cdc

import (
	"fmt"
	"strconv"
	"strings"
)

// LSN is a place in PostgreSQL's write-ahead log, in bytes from its start.
type LSN uint64

// String writes it the way PostgreSQL does: 16/B374D848.
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)) }

// ParseLSN reads what String writes.
func ParseLSN(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	h, err1 := strconv.ParseUint(hi, 16, 32)
	l, err2 := strconv.ParseUint(lo, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cdc: log position %q: want two hexadecimal numbers with a slash, such as 16/B374D848", s)
	}
	return LSN(h<<32 | l), nil
}

// Position says how far a sink has come: all transactions that end at or
// before LSN, and the first Part changes of the transaction whose commit lies
// at Open. The zero Position has seen nothing, not even a whole snapshot.
type Position struct {
	LSN  LSN
	Open LSN // 0: no transaction is half done
	Part int
}

// String writes the position for storing: "16/B374D848", or
// "16/B374D848+16/B374E000:2000" within a large transaction.
func (p Position) String() string {
	if p.Part == 0 {
		return p.LSN.String()
	}
	return fmt.Sprintf("%s+%s:%d", p.LSN, p.Open, p.Part)
}

// ParsePosition reads what String writes; "" is the zero Position.
func ParsePosition(s string) (p Position, err error) {
	if s == "" {
		return p, nil
	}
	whole, open, half := strings.Cut(s, "+")
	if p.LSN, err = ParseLSN(whole); err != nil || !half {
		return p, err
	}
	at, part, _ := strings.Cut(open, ":")
	if p.Open, err = ParseLSN(at); err != nil {
		return Position{}, err
	}
	if p.Part, err = strconv.Atoi(part); err != nil || p.Part <= 0 {
		return Position{}, fmt.Errorf("cdc: position %q: want a count of changes after the colon", s)
	}
	return p, nil
}
