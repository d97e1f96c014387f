package balance_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

func endpoints(n int) []balance.Endpoint {
	es := make([]balance.Endpoint, n)
	for i := range es {
		es[i] = balance.Endpoint{ID: fmt.Sprint("e", i), Zone: fmt.Sprint("z", i%3), Weight: 1 + i%3}
	}
	return es
}

func BenchmarkPick(b *testing.B) {
	for a := balance.PeakEWMA; a <= balance.Hash; a++ {
		b.Run(a.String(), func(b *testing.B) {
			bal, err := balance.New(balance.Config{Algorithm: a}, endpoints(100))
			if err != nil {
				b.Fatal(err)
			}
			zero := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				now := int64(time.Since(zero))
				u := rand.Uint64()
				p, err := bal.Pick(now, u, balance.Request{Key: u})
				if err != nil {
					b.Fatal(err)
				}
				bal.Done(p, now+1000, balance.Answered)
			}
		})
	}
}
