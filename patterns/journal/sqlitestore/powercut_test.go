package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/internal/faultdisk"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

func on(t *testing.T, d *faultdisk.Disk, path string) *journal.Journal {
	t.Helper()
	o := &sqlitestore.Options{CheckpointPages: 20} // checkpoints happen all the time
	if d != nil {
		o.VFS = d.VFS
	}
	s, err := sqlitestore.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func pair(stream string, n int64) journal.Unit {
	data := make([]byte, 700)
	return journal.Unit{Stream: stream, Expected: n, Records: []journal.Record{{Type: "a", Data: data}, {Type: "b", Data: data}}}
}

// TestPowerCutsLoseNothingAcknowledged takes the power away at random points,
// with the writes after the last sync dropped, torn or partly there.
func TestPowerCutsLoseNothingAcknowledged(t *testing.T) {
	t.Parallel()
	journals := 1
	if os.Getenv("ASHLAR_SOAK") != "" {
		journals = 40 // each check reads all that was written to its journal before
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range journals {
		if cutPower(t, r, 10); t.Failed() {
			return
		}
	}
}

func cutPower(t *testing.T, r *rand.Rand, cuts int) {
	t.Helper()
	const writers = 8
	d := faultdisk.New(t)
	j := on(t, d, filepath.Join(t.TempDir(), "journal.db"))
	var mu sync.Mutex
	acked := [writers]int64{}
	stop, appended := make(chan struct{}), make(chan struct{}, 1)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := int64(0); ; n += 2 {
				res, err := j.Append(t.Context(), pair(fmt.Sprint("s", w), n))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked[w] = res.Version
				mu.Unlock()
				select {
				case <-stop:
					return
				case appended <- struct{}{}:
				default:
				}
			}
		})
	}
	for range cuts {
		for range 1 + r.IntN(5) {
			<-appended
		}
		mu.Lock()
		want := acked
		mu.Unlock()
		checkAfterCut(t, filepath.Join(faultdisk.Restore(t, d.Cut(r)), "journal.db"), want[:])
		if t.Failed() {
			break
		}
	}
	close(stop)
	wg.Wait()
	if err := j.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func checkAfterCut(t *testing.T, path string, want []int64) {
	t.Helper()
	j := on(t, nil, path)
	defer func() { _ = j.Close(context.Background()) }()
	got, next := make([]int64, len(want)), int64(1)
	for {
		rs, err := j.Read(t.Context(), next-1, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(rs) == 0 {
			break
		}
		for _, r := range rs {
			if r.Position != next {
				t.Fatalf("position %d where %d was due", r.Position, next)
			}
			next++
			var w int
			if _, err := fmt.Sscanf(r.Stream, "s%d", &w); err != nil {
				t.Fatal(err)
			}
			got[w]++
		}
	}
	for w := range want {
		if got[w] < want[w] || got[w]%2 != 0 {
			t.Errorf("stream %d: %d records after the cut, %d were acknowledged", w, got[w], want[w])
		}
	}
}

// TestTheDiskDoesForget proves that the test above can fail: without syncs a cut
// loses what was committed.
func TestTheDiskDoesForget(t *testing.T) {
	t.Parallel()
	d := faultdisk.New(t)
	path := filepath.Join(t.TempDir(), "journal.db")
	db, err := sql.Open("sqlite", "file:"+path+"?vfs="+d.VFS+"&_pragma=journal_mode(wal)&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	d.Forget()
	lost, err := sql.Open("sqlite", "file:"+filepath.Join(faultdisk.Restore(t, d.Cut(rand.New(rand.NewPCG(1, 1)))), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lost.Close() }()
	var n int
	if err := lost.QueryRow("SELECT count(*) FROM t").Scan(&n); err == nil {
		t.Errorf("%d rows survived a cut without a sync", n)
	}
}

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	d := faultdisk.New(t)
	j := on(t, d, filepath.Join(t.TempDir(), "journal.db"))
	defer func() { _ = j.Close(context.Background()) }()
	if _, err := j.Append(t.Context(), pair("a", 0)); err != nil {
		t.Fatal(err)
	}
	d.Full.Store(true)
	for range 3 {
		if _, err := j.Append(t.Context(), pair("a", 2)); !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("append to a full disk: %v", err)
		}
	}
	if rs, err := j.Read(t.Context(), 0, 0); err != nil || len(rs) != 2 {
		t.Errorf("reading while the disk is full: %d records, %v", len(rs), err)
	}
	d.Full.Store(false)
	if res, err := j.Append(t.Context(), pair("a", 2)); err != nil || res.First != 3 {
		t.Errorf("append after there is room: %+v, %v", res, err)
	}
}

// TestFailedSyncIsNeverTrustedAgain: after a failed fsync the kernel may drop the
// pages and call the next fsync a success.
func TestFailedSyncIsNeverTrustedAgain(t *testing.T) {
	t.Parallel()
	d := faultdisk.New(t)
	path := filepath.Join(t.TempDir(), "journal.db")
	j := on(t, d, path)
	if _, err := j.Append(t.Context(), pair("a", 0)); err != nil {
		t.Fatal(err)
	}
	d.Sick.Store(true)
	if _, err := j.Append(t.Context(), pair("a", 2)); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("append whose sync failed: %v", err)
	}
	d.Sick.Store(false)
	if _, err := j.Append(t.Context(), pair("a", 2)); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("append after a failed sync: %v", err)
	}
	_ = j.Close(context.Background()) // what matters is that it opens again
	j = on(t, d, path)
	defer func() { _ = j.Close(context.Background()) }()
	rs, err := j.Read(t.Context(), 0, 0)
	if err != nil || len(rs)%2 != 0 || len(rs) < 2 {
		t.Fatalf("%d records, %v", len(rs), err)
	}
	if _, err := j.Append(t.Context(), pair("a", int64(len(rs)))); err != nil {
		t.Error(err)
	}
}
