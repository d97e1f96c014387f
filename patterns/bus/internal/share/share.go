// Package share divides partitions among the members of a group on brokers that
// have no coordinator for it. Members tell each other that they live; from the
// same list everyone computes the same division.
//
// It decides who should own a partition, never who may: while lists differ, two
// members may both think that a partition is theirs, or none. A driver owns a
// partition by what the broker grants to one at a time, a lease or a single
// active consumer. A wrong list costs balance for a moment, not order.
package share

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Beat is what members tell each other, every now and then and on changes.
type Beat struct {
	Member string   `json:"member"`
	Topics []string `json:"topics"`
	Leaves bool     `json:"leaves,omitempty"`
}

// Encode returns the beat as JSON.
func (b Beat) Encode() []byte {
	out, err := json.Marshal(b)
	if err != nil {
		panic(err) // strings and a bool
	}
	return out
}

// Members is one member's list of the group. Its methods may be called
// concurrently.
type Members struct {
	self    Beat
	timeout time.Duration

	mu    sync.Mutex
	heard map[string]heard
}

type heard struct {
	topics []string
	at     time.Time
}

// New returns the list of a member that knows only itself. A member that was
// not heard for timeout counts as dead.
func New(self Beat, timeout time.Duration) *Members {
	return &Members{self: self, timeout: timeout, heard: map[string]heard{}}
}

// Self is this member's beat.
func (m *Members) Self() Beat { return m.self }

// Hear takes another member's beat and reports whether it is news: who came or
// left. What cannot be read is passed over, since anyone may write there.
func (m *Members) Hear(data []byte, now time.Time) (news bool) {
	var b Beat
	if json.Unmarshal(data, &b) != nil || b.Member == "" || b.Member == m.self.Member {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.heard[b.Member]
	if b.Leaves {
		delete(m.heard, b.Member)
		return known
	}
	m.heard[b.Member] = heard{b.Topics, now}
	return !known
}

// Mine reports whether the partition falls to this member: partitions go round
// the members that want the topic, in the order of their names.
func (m *Members) Mine(topic string, partition int, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	ms := []string{m.self.Member}
	for name, h := range m.heard {
		if now.Sub(h.at) > m.timeout {
			delete(m.heard, name)
		} else if slices.Contains(h.topics, topic) {
			ms = append(ms, name)
		}
	}
	slices.Sort(ms)
	return ms[partition%len(ms)] == m.self.Member
}
