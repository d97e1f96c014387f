package journaltest

import (
	"context"
	"errors"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// follow reads n records and checks that they come without gap.
func (b *bundle) follow(j *journal.Journal, after int64, n int, each func(r journal.Record)) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	for r, err := range j.Follow(ctx, after) {
		if err != nil {
			b.Fatalf("after %d: %v", after, err)
		}
		if r.Position != after+1 {
			b.Fatalf("followed %d to %d", after, r.Position)
		}
		after = r.Position
		if each != nil {
			each(r)
		}
		if n--; n == 0 {
			return
		}
	}
}

func followLive(b *bundle) {
	j := b.journal(nil)
	b.append(j, unit("a", 50))
	wrote := make(chan struct{})
	b.follow(j, 0, 250, func(r journal.Record) {
		if r.Position == 30 { // the writer runs while the follower turns live
			go func() {
				defer close(wrote)
				for range 100 {
					if _, err := j.Append(b.Context(), unit("a", 2)); err != nil {
						b.Error(err)
						return
					}
				}
			}()
		}
	})
	<-wrote
	ctx, cancel := context.WithCancel(b.Context())
	for _, err := range j.Follow(ctx, 249) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				b.Errorf("ended with %v", err)
			}
			break
		}
		cancel()
	}
	cancel()
}

func followOther(b *bundle) {
	one, two := b.journal(nil), b.journal(&journal.Options{Poll: 20 * time.Millisecond})
	go func() {
		for range 10 {
			if _, err := one.Append(b.Context(), unit("a", 1)); err != nil {
				b.Error(err)
			}
		}
	}()
	b.follow(two, 0, 10, nil)
}

func followRemoved(b *bundle) {
	j := b.journal(nil)
	u := unit("done", 3)
	u.Records[2].Final = true
	b.append(j, u)
	b.append(j, unit("live", 1))
	if n, err := j.Trim(b.Context(), -time.Minute); err != nil || n != 1 {
		b.Fatal(n, err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	for r, err := range j.Follow(ctx, 0) {
		if err != nil || r.Position != 4 {
			b.Fatalf("got %+v, %v", r, err)
		}
		break
	}
}

func trimFinished(b *bundle) {
	clock := now()
	j := b.journal(&journal.Options{Now: func() time.Time { return clock }})
	finish := func(stream string) {
		u := unit(stream, 2)
		u.Records[1].Final = true
		b.append(j, u)
	}
	finish("old")
	b.append(j, unit("open", 2))
	clock = clock.Add(2 * time.Hour)
	finish("young")
	finish("last")
	clock = clock.Add(30 * time.Minute)
	if n, err := j.Trim(b.Context(), time.Hour); err != nil || n != 1 {
		b.Fatalf("removed %d, %v; want the old one", n, err)
	}
	clock = clock.Add(3 * time.Hour)
	if n, err := j.Trim(b.Context(), time.Hour); err != nil || n != 1 {
		b.Fatalf("removed %d, %v; want young, while last holds the head", n, err)
	}
	b.head(j, 8)
	rs, err := j.Read(b.Context(), 0, 0)
	if err != nil || len(rs) != 4 || rs[0].Stream != "open" || rs[3].Stream != "last" {
		b.Fatalf("left %+v, %v", rs, err)
	}
	if res := b.append(j, expect(unit("old", 1), 0)); res.First != 9 {
		b.Fatalf("position %d after trim, want 9", res.First)
	}
}
