package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// deep redacts a value that is logged whole: a struct, a map, a slice. It is
// looked at as the JSON that the log would write, since that is what would
// leave the process. What JSON cannot say is printed, and redacted as text.
func (r *redactor) deep(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return r.text(fmt.Sprintf("%+v", v))
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // IDs beyond 2^53 stay what they are
	if err := dec.Decode(&tree); err != nil {
		return r.text(string(b))
	}
	return r.walk(tree)
}

func (r *redactor) walk(v any) any {
	switch x := v.(type) {
	case string:
		return r.text(x)
	case []any:
		for i := range x {
			x[i] = r.walk(x[i])
		}
	case map[string]any:
		for k := range x {
			if r.secretKey(k) {
				x[k] = Redacted
			} else {
				x[k] = r.walk(x[k])
			}
		}
	}
	return v
}
