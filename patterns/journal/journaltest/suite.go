// Package journaltest is the suite that every store under package journal
// passes: the comments of journal/driver as tests, and what package journal
// promises on top of them.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Harness makes databases for the suite.
type Harness struct {
	// Fresh makes an empty database and returns what opens a store on it. The
	// opener is called again while an earlier store is still open: a second
	// process. Fresh registers its own cleanup.
	Fresh func(t *testing.T) (open func(ctx context.Context) (driver.Store, error))
}

// Run runs the suite, one subtest a promise.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for name, test := range map[string]func(*bundle){
		"append/acknowledged is readable":        appendReads,
		"append/all or nothing":                  appendAllOrNothing,
		"append/bad input is refused with types": appendBadInput,
		"append/one conflict harms nobody":       appendConflictAlone,
		"append/keeps what it is given":          appendKeeps,
		"append/times never go back":             appendTimes,
		"append/gives up with its context":       appendGivesUp,
		"close/refuses and commits what waits":   closeCommits,
		"close/once for all":                     closeTwice,
		"order/gap-free under many writers":      orderManyWriters,
		"order/gap-free under many processes":    orderManyProcesses,
		"order/refused units leave no gap":       orderRefused,
		"stream/expected version":                streamExpected,
		"stream/one winner for a version":        streamOneWinner,
		"stream/same stream twice in a group":    streamTwiceInGroup,
		"stream/second process sees the version": streamSecondProcess,
		"repeat/same IDs same answer":            repeatSame,
		"repeat/some new some old":               repeatMixed,
		"read/pages":                             readPages,
		"read/types":                             readTypes,
		"follow/catches up and turns live":       followLive,
		"follow/sees another process":            followOther,
		"follow/passes removed streams":          followRemoved,
		"lease/one holder":                       leaseOneHolder,
		"lease/expiry and take-over":             leaseTakeOver,
		"lease/old ones go, tokens grow":         leasePrunes,
		"lease/fenced append":                    leaseFences,
		"trim/whole old finished streams":        trimFinished,
		"reopen/continues":                       reopenContinues,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&bundle{T: t, open: h.Fresh(t)})
		})
	}
}

// bundle is one test's database.
type bundle struct {
	*testing.T
	open func(ctx context.Context) (driver.Store, error)
}

func (b *bundle) store() driver.Store {
	b.Helper()
	s, err := b.open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// journal opens a journal, closed at the end of the test.
func (b *bundle) journal(o *journal.Options) *journal.Journal {
	b.Helper()
	j, err := journal.Open(b.Context(), b.store(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := j.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return j
}

func (b *bundle) append(j *journal.Journal, u journal.Unit) journal.Result {
	b.Helper()
	res, err := j.Append(b.Context(), u)
	if err != nil {
		b.Fatal(err)
	}
	return res
}

// all reads the whole log and checks that positions, and versions within each
// stream, are gap-free.
func (b *bundle) all(j *journal.Journal) []journal.Record {
	b.Helper()
	var out []journal.Record
	versions := map[string]int64{}
	for {
		rs, err := j.Read(b.Context(), int64(len(out)), 0)
		if err != nil {
			b.Fatal(err)
		}
		if len(rs) == 0 {
			return out
		}
		for _, r := range rs {
			if want := int64(len(out) + 1); r.Position != want {
				b.Fatalf("position %d where %d was due", r.Position, want)
			}
			versions[r.Stream]++
			if r.Version != versions[r.Stream] {
				b.Fatalf("stream %q: version %d where %d was due", r.Stream, r.Version, versions[r.Stream])
			}
			out = append(out, r)
		}
	}
}

func (b *bundle) head(j *journal.Journal, want int64) {
	b.Helper()
	if h, err := j.Head(b.Context()); err != nil || h != want {
		b.Fatalf("head = %d, %v; want %d", h, err, want)
	}
}

// unit is n records of a stream at any version.
func unit(stream string, n int) journal.Unit {
	u := journal.Unit{Stream: stream, Expected: journal.Any}
	for i := range n {
		u.Records = append(u.Records, journal.Record{Type: "t", Data: fmt.Appendf(nil, "%s-%d", stream, i)})
	}
	return u
}

func expect(u journal.Unit, version int64) journal.Unit {
	u.Expected = version
	return u
}

func as[E error](err error) (E, bool) {
	var e E
	return e, errors.As(err, &e)
}
