package balance_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

func ExampleBalancer() {
	b, err := balance.New(balance.Config{}, []balance.Endpoint{
		{ID: "a", Address: "10.0.0.1:80"}, {ID: "b", Address: "10.0.0.2:80"}, {ID: "c", Address: "10.0.0.3:80"},
	})
	if err != nil {
		panic(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	calls, now := map[string]int{}, int64(0)
	for range 10_000 {
		p, err := b.Pick(now, rng.Uint64(), balance.Request{})
		if err != nil {
			panic(err)
		}
		latency := 10 * time.Millisecond
		if p.Endpoint().ID == "c" { // has a bad day
			latency = 500 * time.Millisecond
		}
		calls[p.Endpoint().ID]++
		now += int64(latency)
		b.Done(p, now, balance.Answered)
	}
	fmt.Println("c has less than one call in 200:", calls["c"] < 50)
	// Output: c has less than one call in 200: true
}

func ExampleRequest_hash() {
	b, err := balance.New(balance.Config{Algorithm: balance.Hash}, endpoints(5))
	if err != nil {
		panic(err)
	}
	var at [2]string
	for i := range at {
		p, err := b.Pick(0, 0, balance.Request{Key: balance.Key("customer-17")})
		if err != nil {
			panic(err)
		}
		at[i] = p.Endpoint().ID
		b.Done(p, 1, balance.Answered)
	}
	fmt.Println("same endpoint:", at[0] == at[1])
	// Output: same endpoint: true
}
