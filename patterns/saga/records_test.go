package saga

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzEntry holds the encoding by hand against encoding/json, both ways.
func FuzzEntry(f *testing.F) {
	f.Add("place-order", 3, "host:7", `{"a":[1,null]}`, "step", "why \"so\"\n\x01\\", "unknown", "next", "Ada: ünï \u2028", true)
	f.Add("", 0, "", "", "", "", "", "", "", false)
	f.Fuzz(func(t *testing.T, def string, version int, node, raw, step, cause, unknown, next, by string, operator bool) {
		for _, s := range []string{def, node, step, cause, unknown, next, by} {
			if !utf8.ValidString(s) {
				t.Skip("JSON has no other strings")
			}
		}
		e := entry{Definition: def, Version: version, Node: node, Step: step, Cause: cause, By: by, Operator: operator}
		if raw != "" {
			var v any
			if json.Unmarshal([]byte(raw), &v) != nil || v == nil {
				t.Skip("no JSON value")
			}
			e.Input, _ = json.Marshal(v)
			e.Result = e.Input
		}
		if unknown != "" {
			e.Unknown, e.Next = []string{unknown, next}, []string{next}
		}
		var back, want entry
		if err := json.Unmarshal(e.encode(), &back); err != nil {
			t.Fatalf("%s: %v", e.encode(), err)
		}
		std, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, want) {
			t.Errorf("got %s, want %s", e.encode(), std)
		}
	})
}
