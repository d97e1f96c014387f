package cdc_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/cdc"
)

// searchIndex keeps the names of products for a search, in another database.
type searchIndex struct{ db *pgx.Conn }

func (s searchIndex) Position(ctx context.Context) (cdc.Position, error) {
	var text string
	if err := s.db.QueryRow(ctx, `SELECT position FROM search_progress`).Scan(&text); err != nil {
		return cdc.Position{}, err
	}
	return cdc.ParsePosition(text)
}

// Apply stores effects and position in one transaction: that is what makes
// every change take effect exactly once.
func (s searchIndex) Apply(ctx context.Context, batch cdc.Batch) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if batch.Reset { // a snapshot begins
			if _, err := tx.Exec(ctx, `TRUNCATE search`); err != nil {
				return err
			}
		}
		for _, change := range batch.Changes {
			if change.Kind == cdc.Delete {
				id, _ := change.Old.Get("id")
				if _, err := tx.Exec(ctx, `DELETE FROM search WHERE id = $1`, id.Text); err != nil {
					return err
				}
				continue
			}
			id, _ := change.New.Get("id")
			name, _ := change.New.Get("name")
			if _, err := tx.Exec(ctx, `INSERT INTO search (id, words) VALUES ($1, to_tsvector($2)) ON CONFLICT (id) DO UPDATE SET words = excluded.words`, id.Text, name.Text); err != nil {
				return err
			}
		}
		text := ""
		if batch.Position != (cdc.Position{}) {
			text = batch.Position.String()
		}
		_, err := tx.Exec(ctx, `UPDATE search_progress SET position = $1`, text)
		return err
	})
}

func Example() {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, os.Getenv("SEARCH_DATABASE"))
	if err != nil {
		fmt.Println(err)
		return
	}
	stream, err := cdc.New(os.Getenv("SHOP_DATABASE"), searchIndex{db}, &cdc.Options{Slot: "search", Tables: []string{"product"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stream.Run(ctx)) // until ctx ends
}

func ExampleParsePosition() {
	p, err := cdc.ParsePosition("16/B374D848+16/B374E000:2000")
	fmt.Println(p.LSN, "and", p.Part, "changes of the transaction at", p.Open, err)
	// Output: 16/B374D848 and 2000 changes of the transaction at 16/B374E000 <nil>
}
