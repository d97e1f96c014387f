package outbox

import (
	"encoding/json"
	"fmt"
	"strings"
)

// DecodeHeaders reads the column headers of the table: NULL (""), or a JSON array
// of objects with Name and Value. It is for adapters to other database libraries.
func DecodeHeaders(text string) ([]Header, error) { return AppendHeaders(nil, text) }

// AppendHeaders is DecodeHeaders onto the end of list. Names and values are
// mostly parts of text, and no copies.
func AppendHeaders(list []Header, text string) ([]Header, error) {
	if text == "" {
		return list, nil
	}
	if longer, ok := plainHeaders(list, text); ok {
		return longer, nil
	}
	var more []Header
	if err := json.Unmarshal([]byte(text), &more); err != nil {
		return list, fmt.Errorf("headers %q: %w; want a JSON array of objects with Name and Value", text, err)
	}
	return append(list, more...), nil
}

// plainHeaders reads what Stage writes, as long as nothing in it is escaped. It
// exists because reading JSON was nearly half of the relay's own work.
func plainHeaders(list []Header, text string) (longer []Header, ok bool) {
	rest, ok := strings.CutPrefix(text, "[")
	if !ok || strings.ContainsRune(text, '\\') {
		return nil, false
	}
	for {
		var h Header
		if h.Name, rest, ok = member(rest, `{"Name":"`); !ok {
			return nil, false
		}
		if h.Value, rest, ok = member(rest, `,"Value":"`); !ok {
			return nil, false
		}
		list = append(list, h)
		if rest == "}]" {
			return list, true
		}
		if rest, ok = strings.CutPrefix(rest, "},"); !ok {
			return nil, false
		}
	}
}

// member reads a text behind a prefix, up to its quotation mark.
func member(s, prefix string) (value, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, prefix); !ok {
		return "", "", false
	}
	value, rest, ok = strings.Cut(s, `"`)
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x80 { // json has its own view of these
			return "", "", false
		}
	}
	return value, rest, ok
}
