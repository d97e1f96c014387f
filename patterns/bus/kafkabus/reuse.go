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
	sum   byte
}

// touch reads a byte of each key. The keys lie where their batch was unpacked, a
// record apart and out of the processor's caches: read in a row they arrive side
// by side, read one by one by [keys.of] each would be waited for.
func (k *keys) touch(records []*kgo.Record) {
	sum := k.sum
	for _, r := range records {
		if len(r.Key) > 0 {
			sum += r.Key[0]
		}
	}
	k.sum = sum // used, or the compiler would leave the reading out
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
