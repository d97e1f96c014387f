package bus

import (
	"bytes"
	"strings"
)

// percent escapes an attribute for protocols whose headers are text like HTTP's
// (prefix "ce-"): all but printable ASCII, and space, quote and percent.
func percent(prefix, s string) string {
	if prefix != "ce-" || strings.IndexFunc(s, unsafeRune) < 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unsafeRune(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '%' }

// unpercent is percent's inverse; what is no escape stays as it is.
func unpercent(prefix string, s []byte) []byte {
	if prefix != "ce-" || bytes.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi < 16 && lo < 16 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
