package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Query selects passing instances of a service.
type Query struct {
	Service string
	Tags    []string          // an instance must have them all
	Meta    map[string]string // an instance must have each of these values
}

// Validate says what is wrong with the query, as a *driver.InvalidError.
func (q Query) Validate() error {
	if err := driver.ValidName(q.Service); err != nil {
		return &driver.InvalidError{Field: "Query.Service", Fault: err.Error()}
	}
	return nil
}

// Match reports whether an instance has all that the query asks for.
func (q Query) Match(in Instance) bool {
	for _, t := range q.Tags {
		if !slices.Contains(in.Tags, t) {
			return false
		}
	}
	for k, v := range q.Meta {
		if got, ok := in.Meta[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// String returns the query in words: payments, tags [v2], meta [tier=gold].
func (q Query) String() string {
	s := q.Service
	if len(q.Tags) > 0 {
		s += fmt.Sprintf(", tags %v", q.Tags)
	}
	if len(q.Meta) > 0 {
		var kv []string
		for _, k := range slices.Sorted(maps.Keys(q.Meta)) {
			kv = append(kv, k+"="+q.Meta[k])
		}
		s += ", meta [" + strings.Join(kv, " ") + "]"
	}
	return s
}

// all reports whether the query filters nothing, which saves a copy.
func (q Query) all() bool { return len(q.Tags) == 0 && len(q.Meta) == 0 }

func (q Query) filter(in []Instance) []Instance {
	if q.all() {
		return in
	}
	var out []Instance
	for _, i := range in {
		if q.Match(i) {
			out = append(out, i)
		}
	}
	return out
}
