package arch

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// AppendText appends the canonical text of what s says: one line a fact, sorted,
//
//	deployment/prod/order /replicas "2"
//
// Equal systems have equal text. With claims, the lines of a fact's claims
// follow it, indented.
func (s System) AppendText(b []byte, claims bool) []byte {
	for _, f := range Facts(s) {
		b = append(b, f.Of...)
		if f.At != "" {
			b = append(b, ' ')
			b = append(b, f.At...)
		}
		b = append(b, ' ')
		b = strconv.AppendQuote(b, f.Value)
		b = append(b, '\n')
		if !claims {
			continue
		}
		for _, c := range s.Ledger[f.Fact] {
			b = append(b, "    "...)
			b = append(b, c.Origin()...)
			b = append(b, ' ')
			b = strconv.AppendQuote(b, c.Value)
			for _, src := range c.From {
				b = append(b, ' ')
				b = append(b, src.String()...)
			}
			b = append(b, '\n')
		}
	}
	return b
}

// ReadText reads the canonical text without claims.
func ReadText(r io.Reader) (System, error) {
	var facts []FactValue
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 16<<20)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if line == "" {
			continue
		}
		place, quoted, ok := strings.Cut(line, ` "`)
		if !ok {
			return System{}, fmt.Errorf("line %d: want: reference [field] \"value\"", n)
		}
		value, err := strconv.Unquote(`"` + quoted)
		if err != nil {
			return System{}, fmt.Errorf("line %d: %w", n, err)
		}
		of, at, _ := strings.Cut(place, " ")
		facts = append(facts, FactValue{Fact{Ref(of), Field(at)}, value})
	}
	if err := sc.Err(); err != nil {
		return System{}, err
	}
	return Assemble(facts)
}
