package natsbus

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// position is what the bucket holds about a group in a partition.
type position struct {
	Next  uint64 `json:"next"`            // sequence to read from
	Owner string `json:"owner,omitempty"` // "": free
}

func (p position) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // a number and a string
	}
	return b
}

// leaseKey is the key of a position. Names of groups and topics may hold what a
// key cannot, or what would join two of them into one.
func leaseKey(group, topic string, partition int32) string {
	enc := base32.HexEncoding.WithPadding(base32.NoPadding)
	return strings.Join([]string{enc.EncodeToString([]byte(group)), enc.EncodeToString([]byte(topic)), strconv.Itoa(int(partition))}, ".")
}

// bucket opens the bucket of positions, and makes it the first time.
func (c *conn) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	c.mu.Lock()
	kv := c.kv
	c.mu.Unlock()
	if kv != nil {
		return kv, nil
	}
	kv, err := c.js.KeyValue(ctx, c.o.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: c.o.Bucket, Replicas: c.o.Replicas,
			Description: "positions and leases of the consumer groups of package bus"})
		if errors.Is(err, jetstream.ErrBucketExists) {
			kv, err = c.js.KeyValue(ctx, c.o.Bucket)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %q: %w", c.o.Bucket, c.translate(err))
	}
	c.mu.Lock()
	c.kv = kv
	c.mu.Unlock()
	return kv, nil
}

// isConflict reports that the revision was not the expected one.
func isConflict(err error) bool {
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrKeyExists) {
		return true
	}
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// rival is what a member saw of a position that another holds. When its
// revision has not moved for a whole lease, as this member's clock measures it,
// the holder is dead: clocks need not agree.
type rival struct {
	revision uint64
	since    time.Time
}

// acquire tries to take a free or abandoned position.
func (m *consumer) acquire(ctx context.Context, p driver.Part, begin uint64) (pos position, revision uint64, ok bool, err error) {
	key := leaseKey(m.sub.Group, p.Topic, p.Partition)
	e, err := m.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		pos = position{Next: begin, Owner: m.id}
		revision, err = m.kv.Create(ctx, key, pos.encode())
		if err != nil && isConflict(err) {
			return pos, 0, false, nil
		}
		return pos, revision, err == nil, err
	}
	if err != nil {
		return pos, 0, false, err
	}
	if err := json.Unmarshal(e.Value(), &pos); err != nil {
		return pos, 0, false, fmt.Errorf("position %s of group %q: %w", key, m.sub.Group, err)
	}
	if pos.Owner != "" {
		r, seen := m.rivals[p]
		if !seen || r.revision != e.Revision() {
			m.rivals[p] = rival{e.Revision(), time.Now()}
			return pos, 0, false, nil
		}
		if time.Since(r.since) < m.conn.o.Lease {
			return pos, 0, false, nil
		}
	}
	pos.Owner = m.id
	revision, err = m.kv.Update(ctx, key, pos.encode(), e.Revision())
	if err != nil && isConflict(err) {
		return pos, 0, false, nil
	}
	delete(m.rivals, p)
	return pos, revision, err == nil, err
}
