package saga_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/internal/faultdisk"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// at is two SQLite files in a folder, on a disk of the test's when it has one.
func at(dir string, d *faultdisk.Disk) places {
	p := places{Driver: "sqlite", Journal: filepath.Join(dir, "journal.db"), Books: filepath.Join(dir, "books.db")}
	if d != nil {
		p.VFS = d.VFS
	}
	return p
}

func seldom(often int) int {
	if os.Getenv("ASHLAR_SOAK") != "" {
		return often * 20
	}
	return often
}

// TestPowerCuts takes the power away from a machine with sagas under way, journal
// and books alike, dropping or tearing what was written after the last sync.
// From each wreck another process ends what was begun.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	r := mathrand.New(mathrand.NewPCG(5, 5))
	d := faultdisk.New(t)
	e := transferring(t, at(t.TempDir(), d))
	completed, compensated := 0, 0
	for range seldom(4) {
		for range 1 + r.IntN(60) {
			select {
			case <-e.ended:
			case <-e.broken:
				return
			}
		}
		acked := e.acknowledged() // before the cut: all of it must be there after
		p := at(faultdisk.Restore(t, d.Cut(r)), nil)
		salvage(t, p)
		done, undone := audit(t, p, acked)
		completed, compensated = completed+done, compensated+undone
		if t.Failed() {
			break
		}
	}
	e.end()
	if completed == 0 || compensated == 0 {
		t.Errorf("%d completed, %d compensated: the test tests nothing", completed, compensated)
	}
}

// TestFullDisk lets journal and books run out of room under running sagas: they
// go on when there is room again, and nothing that was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	d := faultdisk.New(t)
	p := at(t.TempDir(), d)
	r := mathrand.New(mathrand.NewPCG(6, 6))
	tick := time.NewTimer(0)
	defer tick.Stop()
	pause := func(most int) {
		tick.Reset(time.Duration(1+r.IntN(most)) * time.Millisecond)
		<-tick.C
	}
	harm(t, p, p, seldom(8), func(int) {
		pause(80)
		d.Full.Store(true)
		pause(60)
		d.Full.Store(false)
	})
}

// errand is transfers under way in this process.
type errand struct {
	ended  chan struct{} // one for each that ended, when somebody waits for it
	broken chan struct{} // closed when one ended as it should not
	end    func()

	mu    sync.Mutex
	acked map[string]string
}

func (e *errand) acknowledged() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.acked)
}

func (e *errand) note(id, what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.acked[id] = what
}

// transferring starts transfers at the places and goes on until its end.
func transferring(t *testing.T, p places) *errand {
	t.Helper()
	ctx := context.Background()
	db, err := p.books()
	if err != nil {
		t.Fatal(err)
	}
	b := &bank{db: db}
	if err := b.found(ctx); err != nil {
		t.Fatal(err)
	}
	d, o, j := bankAt(t, b, p)
	e := &errand{ended: make(chan struct{}, 1), broken: make(chan struct{}), acked: map[string]string{}}
	fail := sync.OnceFunc(func() { close(e.broken) })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id, end := fmt.Sprintf("%d-%d", w, n), "completed"
				h, err := d.Start(ctx, o, id, transfer{From: n % accounts, To: (n + 3) % accounts, Cents: 1 + n%50})
				if err == nil {
					e.note(id, "started")
					err = h.Wait(ctx)
				}
				var failed *saga.Error
				if errors.As(err, &failed) {
					end = "compensated"
				} else if err != nil {
					t.Errorf("saga %s: %v", id, err)
					fail()
					return
				}
				e.note(id, end)
				select {
				case <-stop:
					return
				case e.ended <- struct{}{}:
				default:
				}
			}
		})
	}
	e.end = sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
		b.late.Wait()
		if err := errors.Join(o.Close(ctx), j.Close(ctx), db.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(e.end)
	return e
}

// bankAt opens the orchestrator of a bank.
func bankAt(t *testing.T, b *bank, p places) (*saga.Definition[transfer], *saga.Orchestrator, *journal.Journal) {
	t.Helper()
	ctx := context.Background()
	d, err := b.transfers()
	if err != nil {
		t.Fatal(err)
	}
	store, err := p.store(ctx)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := saga.Open(ctx, j, &saga.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}, d)
	if err != nil {
		t.Fatal(err)
	}
	return d, o, j
}

// salvage ends all that a wreck has begun.
func salvage(t *testing.T, p places) {
	t.Helper()
	db, err := p.books()
	if err != nil {
		t.Fatal(err)
	}
	b := &bank{db: db}
	_, o, j := bankAt(t, b, p)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = drain(ctx, j, o)
	if cerr := o.Close(ctx); err == nil {
		err = cerr
	}
	b.late.Wait()
	if err := errors.Join(err, j.Close(ctx), db.Close()); err != nil {
		t.Fatalf("after a power cut: %v", err)
	}
}
