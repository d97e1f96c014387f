package journaltest

import (
	"errors"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

func (b *bundle) leases(j *journal.Journal) driver.Leaser {
	b.Helper()
	l, err := j.Leases()
	if errors.Is(err, journal.ErrNoLeases) {
		b.Skip("this store has no leases")
	}
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func leaseOneHolder(b *bundle) {
	one, two := b.leases(b.journal(nil)), b.leases(b.journal(nil))
	t1, err := one.Acquire(b.Context(), "x", "one", time.Hour)
	if err != nil || t1 == 0 {
		b.Fatal(t1, err)
	}
	_, err = two.Acquire(b.Context(), "x", "two", time.Hour)
	if h, ok := as[*journal.HeldError](err); !ok || h.Holder != "one" || h.Lease != "x" || time.Until(h.Expires) < 50*time.Minute {
		b.Fatalf("second holder: %v", err)
	}
	if _, err := two.Acquire(b.Context(), "y", "two", time.Hour); err != nil {
		b.Fatal(err)
	}
	if err := one.Renew(b.Context(), "x", t1, time.Hour); err != nil {
		b.Fatal(err)
	}
	ls, err := two.Leases(b.Context(), "x")
	if err != nil || len(ls) != 1 || ls[0].Holder != "one" || ls[0].Token != t1 || ls[0].Expired {
		b.Fatalf("leases %+v, %v", ls, err)
	}
	if err := one.Release(b.Context(), "x", t1); err != nil {
		b.Fatal(err)
	}
	t2, err := two.Acquire(b.Context(), "x", "two", time.Hour)
	if err != nil || t2 <= t1 {
		b.Fatalf("token %d after %d, %v", t2, t1, err)
	}
}

func leasePrunes(b *bundle) {
	l := b.leases(b.journal(nil))
	var last int64
	for range 3 { // a process that came back under its name
		t, err := l.Acquire(b.Context(), "old", "one", -2*driver.LeaseKeep)
		if err != nil || t <= last {
			b.Fatalf("token %d after %d, %v", t, last, err)
		}
		last = t
	}
	for name, ttl := range map[string]time.Duration{"older": -3 * driver.LeaseKeep, "expired": -time.Minute, "held": time.Hour} {
		if _, err := l.Acquire(b.Context(), name, "two", ttl); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := l.Acquire(b.Context(), "new", "three", time.Hour); err != nil {
		b.Fatal(err)
	}
	ls, err := l.Leases(b.Context(), "")
	var names []string
	for _, l := range ls {
		names = append(names, l.Name)
	}
	if err != nil || !slices.Equal(names, []string{"expired", "held", "new"}) {
		b.Errorf("leases %v, %v", names, err)
	}
	if t, err := l.Acquire(b.Context(), "old", "one", time.Hour); err != nil || t <= last {
		b.Errorf("token %d after %d was forgotten, %v", t, last, err)
	}
}

func leaseTakeOver(b *bundle) {
	l := b.leases(b.journal(nil))
	t1, err := l.Acquire(b.Context(), "x", "one", -time.Second) // expired as it begins
	if err != nil {
		b.Fatal(err)
	}
	t2, err := l.Acquire(b.Context(), "x", "two", time.Hour)
	if err != nil || t2 <= t1 {
		b.Fatalf("token %d after %d, %v", t2, t1, err)
	}
	err = l.Renew(b.Context(), "x", t1, time.Hour)
	if f, ok := as[*journal.FencedError](err); !ok || f.Token != t1 || f.Current != t2 {
		b.Fatalf("renewing a lost lease: %v", err)
	}
	if err := l.Release(b.Context(), "x", t1); err != nil {
		b.Fatalf("releasing a lost lease: %v", err)
	}
	if err := l.Renew(b.Context(), "x", t2, time.Hour); err != nil {
		b.Fatalf("the loser's release took the winner's lease: %v", err)
	}
}

func leaseFences(b *bundle) {
	one, two := b.journal(nil), b.journal(nil)
	t1, err := b.leases(one).Acquire(b.Context(), "x", "one", -time.Second)
	if err != nil {
		b.Fatal(err)
	}
	u := unit("a", 2)
	u.Fence = &journal.Fence{Lease: "x", Token: t1}
	b.append(one, u)
	t2, err := b.leases(two).Acquire(b.Context(), "x", "two", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	_, err = one.Append(b.Context(), u)
	if f, ok := as[*journal.FencedError](err); !ok || f.Token != t1 || f.Current != t2 {
		b.Fatalf("append under an old token: %v", err)
	}
	u.Fence = &journal.Fence{Lease: "x", Token: t2}
	b.append(two, u)
	u.Fence = &journal.Fence{Lease: "never", Token: 1}
	if _, err = one.Append(b.Context(), u); err == nil {
		b.Fatal("append under a lease that does not exist")
	}
	b.head(one, 4)
	b.all(one)
}
