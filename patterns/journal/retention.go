package journal

import (
	"context"
	"fmt"
	"time"
)

// retain removes streams that ended more than Options.Retention ago.
func (j *Journal) retain(ctx context.Context) {
	t := time.NewTicker(j.o.RetainEvery)
	defer t.Stop()
	for {
		if _, err := j.Trim(ctx, j.o.Retention); err != nil && ctx.Err() == nil {
			j.o.Logger.Warn("journal: retention failed; tried again next round", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

const trimBatch = 500 // streams in one transaction, so that commits wait for a few ms at most

// Trim removes the streams whose Final record is older than age and returns how
// many. Options.Retention does so by itself. Positions of removed records are
// not handed out again, and the head stays where it is.
func (j *Journal) Trim(ctx context.Context, age time.Duration) (removed int, err error) {
	before := j.o.Now().UTC().Add(-age)
	for {
		n, err := j.store.Trim(ctx, before, trimBatch)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("journal: trim: %w", err)
		}
		if n < trimBatch {
			return removed, nil
		}
	}
}
