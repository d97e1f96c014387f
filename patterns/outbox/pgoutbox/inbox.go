package pgoutbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

// Beginner is what Do needs of a database; *pgx.Conn and *pgxpool.Pool have it.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Do runs effect in a transaction of db unless the inbox has the message
// already, and reports whether it ran; see [outbox.Inbox.Do].
func Do(ctx context.Context, db Beginner, box *outbox.Inbox, messageID string, effect func(ctx context.Context, tx pgx.Tx) error) (ran bool, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if ran, err = Mark(ctx, tx, box, messageID); err != nil || !ran {
			return err
		}
		return effect(ctx, tx)
	})
	return ran && err == nil, err
}

// Mark notes within tx that the message is done and reports whether it was not
// before; see [outbox.Inbox.Mark].
func Mark(ctx context.Context, tx Tx, box *outbox.Inbox, messageID string) (first bool, err error) {
	query, args, err := box.MarkQuery(messageID)
	if err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("inbox: mark %s: %w", messageID, err)
	}
	return tag.RowsAffected() == 1, nil
}
