package calm

import (
	"bytes"
	"encoding/json"
)

// Encode writes the architecture as indented JSON, keys of the schema first, in
// its order, then the others by the alphabet. An empty Schema becomes [Schema].
func (a *Architecture) Encode() ([]byte, error) {
	c := *a
	if c.Schema == "" {
		c.Schema = Schema
	}
	if c.Nodes == nil {
		c.Nodes = []Node{}
	}
	if c.Relationships == nil {
		c.Relationships = []Relationship{}
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// MarshalJSON writes the known keys and then Extra.
func (a Architecture) MarshalJSON() ([]byte, error) {
	type plain Architecture
	return withExtra(plain(a), a.Extra)
}

// MarshalJSON writes the known keys and then Extra.
func (n Node) MarshalJSON() ([]byte, error) {
	type plain Node
	return withExtra(plain(n), n.Extra)
}

// MarshalJSON writes the known keys and then Extra.
func (i Interface) MarshalJSON() ([]byte, error) {
	type plain Interface
	return withExtra(plain(i), i.Extra)
}

// MarshalJSON writes the known keys and then Extra.
func (r Relationship) MarshalJSON() ([]byte, error) {
	type plain Relationship
	return withExtra(plain(r), r.Extra)
}

// MarshalJSON writes the known keys and then Extra.
func (f Flow) MarshalJSON() ([]byte, error) {
	type plain Flow
	return withExtra(plain(f), f.Extra)
}

// withExtra puts more keys at the end of what is always a map.
func withExtra(known any, extra Extra) ([]byte, error) {
	b, err := json.Marshal(known)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	more, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}
	if len(b) > len("{}") {
		b = append(b[:len(b)-1], ',')
	} else {
		b = b[:1]
	}
	return append(b, more[1:]...), nil
}
