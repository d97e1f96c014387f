package membus

import (
	"slices"
	"sort"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// group is a consumer group: who is in it, who owns what, what is committed.
// All of it is guarded by the broker's lock.
type group struct {
	members   []*consumer // in order of joining
	committed map[driver.Part]int64
	owner     map[driver.Part]*consumer
	epoch     uint32
}

func (b *Broker) group(name string) *group {
	g := b.groups[name]
	if g == nil {
		g = &group{committed: map[driver.Part]int64{}, owner: map[driver.Part]*consumer{}}
		b.groups[name] = g
	}
	return g
}

// begin gives every partition of the topic that has none its position.
func (g *group) begin(b *Broker, name string, s driver.Subscription) {
	t := b.topics[name]
	for p := range t.parts {
		id := driver.Part{Topic: name, Partition: int32(p)}
		if _, ok := g.committed[id]; ok {
			continue
		}
		l := &t.parts[p]
		switch s.Start {
		case driver.Latest:
			g.committed[id] = l.end()
		case driver.Earliest:
			g.committed[id] = l.first
		case driver.AtOffset:
			g.committed[id] = min(max(s.StartOffset, l.first), l.end())
		case driver.AtTime:
			i := sort.Search(len(l.records), func(i int) bool { return !l.records[i].Time.Before(s.StartTime) })
			g.committed[id] = l.first + int64(i)
		}
	}
}

// balance says anew which member should own which partition: in turn, over the
// members that want the topic. Owners whose partitions should be another's give
// them up themselves, after their handlers have ended.
func (g *group) balance(b *Broker) {
	for _, m := range g.members {
		m.want = map[driver.Part]bool{}
	}
	topics := map[string][]*consumer{}
	for _, m := range g.members {
		for _, t := range m.sub.Topics {
			if !slices.Contains(topics[t], m) {
				topics[t] = append(topics[t], m)
			}
		}
	}
	for name, ms := range topics {
		for p := range b.topics[name].parts {
			m := ms[p%len(ms)]
			m.want[driver.Part{Topic: name, Partition: int32(p)}] = true
		}
	}
	b.changed.Broadcast()
}
