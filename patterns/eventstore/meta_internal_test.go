package eventstore

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzMetadata holds what is written by hand to what encoding/json writes.
func FuzzMetadata(f *testing.F) {
	f.Add("", "", "", "", 0)
	f.Add("c-1", "order-1@2", "", "", 2)
	f.Add("<&>", "a\"b\\c", "tenant", "ü\x00\u2028\xff", -1)
	f.Fuzz(func(t *testing.T, corr, cause, name, value string, schema int) {
		m := stored{Metadata: Metadata{Correlation: corr, Causation: cause}, Schema: schema}
		if name != "" {
			m.Extra = map[string]string{name: value}
		}
		got, err := m.encode()
		want, werr := json.Marshal(m)
		if err != nil || werr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, %v; encoding/json: %s, %v", got, err, want, werr)
		}
	})
}
