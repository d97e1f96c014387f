package kafkabus

import (
	"hash/maphash"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// records lets the client use its structs of records again: what a record points
// to has moved into a delivery by the time it is handed out.
type records struct{ pool sync.Pool }

var _ kgo.PoolRecords = (*records)(nil)

// GetRecords returns n records to decode into.
func (p *records) GetRecords(n int) []kgo.Record {
	if s, ok := p.pool.Get().(*[]kgo.Record); ok && cap(*s) >= n {
		return (*s)[:n]
	}
	return make([]kgo.Record, n)
}

// PutRecords takes records back, which the client has emptied.
func (p *records) PutRecords(s []kgo.Record) { p.pool.Put(&s) }

// keys remembers strings of keys that came before, so that the keys of a busy
// topic are not allocated for each of its records. A key that shares its place
// with another one is only made anew.
type keys struct {
	seed  maphash.Seed
	known [1024]string
}

const longestKey = 64 // longer ones are not remembered: it bounds what the table holds

func (k *keys) of(key []byte) string {
	switch {
	case len(key) == 0:
		return ""
	case len(key) > longestKey:
		return string(key)
	}
	at := &k.known[maphash.Bytes(k.seed, key)%uint64(len(k.known))]
	if *at != string(key) {
		*at = string(key)
	}
	return *at
}
