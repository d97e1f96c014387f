package jaeger

import (
	"encoding/json"
	"io"
	"iter"
	"strconv"
)

// Write writes traces as an export that Jaeger's page can open and [Traces]
// reads back equal.
func Write(w io.Writer, traces iter.Seq[*Trace]) error {
	if _, err := io.WriteString(w, `{"data":[`); err != nil {
		return err
	}
	comma := ""
	for t := range traces {
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, comma); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		comma = ",\n"
	}
	_, err := io.WriteString(w, "]}\n")
	return err
}

// MarshalJSON writes the value in the JSON kind that the type asks for.
func (t Tag) MarshalJSON() ([]byte, error) {
	v := any(t.Value)
	switch t.Type {
	case "bool":
		if b, err := strconv.ParseBool(t.Value); err == nil {
			v = b
		}
	case "int64", "float64":
		if json.Valid([]byte(t.Value)) {
			v = json.RawMessage(t.Value)
		}
	}
	return json.Marshal(struct {
		Key   string `json:"key"`
		Type  string `json:"type,omitempty"`
		Value any    `json:"value"`
	}{t.Key, t.Type, v})
}
