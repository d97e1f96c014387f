package share_test

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/internal/share"
)

func TestEveryPartitionHasOneOwner(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	beats := []share.Beat{{Member: "a", Topics: []string{"x", "y"}}, {Member: "b", Topics: []string{"x"}}, {Member: "c", Topics: []string{"x"}}}
	var all []*share.Members
	for _, self := range beats {
		m := share.New(self, time.Second)
		for _, b := range beats {
			if m.Hear(b.Encode(), now) == (b.Member == self.Member) {
				t.Errorf("%s hears %s: news is the others, not itself", self.Member, b.Member)
			}
			if m.Hear(b.Encode(), now) {
				t.Errorf("%s: no news twice", b.Member)
			}
		}
		all = append(all, m)
	}
	count := func(topic string, now time.Time, among ...*share.Members) []int {
		counts := make([]int, len(among))
		for p := range 9 {
			owners := 0
			for i, m := range among {
				if m.Mine(topic, p, now) {
					counts[i]++
					owners++
				}
			}
			if owners != 1 {
				t.Errorf("partition %d of %s has %d owners", p, topic, owners)
			}
		}
		return counts
	}
	if got := count("x", now, all...); got[0] != 3 || got[1] != 3 || got[2] != 3 {
		t.Errorf("shares of x: %v", got)
	}
	if !all[0].Mine("y", 0, now) || !all[0].Mine("y", 1, now) {
		t.Error("only a wants y")
	}
	// c leaves, b dies.
	for _, m := range all[:2] {
		m.Hear(share.Beat{Member: "c", Leaves: true}.Encode(), now)
	}
	if got := count("x", now, all[:2]...); got[0]+got[1] != 9 {
		t.Errorf("shares of x without c: %v", got)
	}
	if got := count("x", now.Add(2*time.Second), all[0]); got[0] != 9 {
		t.Errorf("shares of x when nobody else was heard: %v", got)
	}
}

func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"member":"b","topics":["x"]}`))
	f.Add([]byte(`{"member":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := share.New(share.Beat{Member: "a", Topics: []string{"x"}}, time.Second)
		m.Hear(data, time.Unix(0, 0))
		owned := false
		for p := range 64 {
			owned = owned || m.Mine("x", p, time.Unix(0, 0))
		}
		if !owned {
			t.Error("one foreign beat must not take everything")
		}
	})
}
