package outbox_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

// Whatever the quick way reads, it reads as JSON does.
func FuzzDecodeHeaders(f *testing.F) {
	for _, s := range []string{"", `[{"Name":"a","Value":"1"}]`, `[{"Name":"a","Value":"\u0041"},{"Name":"b","Value":"ü"}]`, `[{"Name":"a","Value":"1"},{"Name":"b","Value":"2"}]`, `[]`, `[{"Name":"a"}]`, `[{"Name":"a","Value":"1"}] `, "[{\"Name\":\"a\x00\",\"Value\":\"1\"}]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := outbox.DecodeHeaders(s)
		if s == "" {
			return
		}
		var want []outbox.Header
		jsonErr := json.Unmarshal([]byte(s), &want)
		if (err == nil) != (jsonErr == nil) || err == nil && !slices.Equal(got, want) {
			t.Errorf("%q: %v %v, JSON says %v %v", s, got, err, want, jsonErr)
		}
	})
}
