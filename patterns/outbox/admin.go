package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

// parkedItem is a parked message in the section. The body stays where it is: it
// may hold what an operator has no business to see.
type parkedItem struct {
	ID       string    `json:"id"`
	State    string    `json:"state"` // parked
	Topic    string    `json:"topic"`
	Key      string    `json:"key,omitempty"`
	Bytes    int       `json:"bytes"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
	Staged   time.Time `json:"staged"`
	Parked   time.Time `json:"parked"`
}

// Section offers the parked messages to the command line and a console, with
// the action retry, which stages one again.
func Section(store Parker) admin.Section {
	return admin.Section{
		Name: "outbox", Title: "Parked messages",
		List: func(ctx context.Context, q admin.Query) (admin.Page, error) {
			for k := range q.Filter {
				return admin.Page{}, fmt.Errorf("filter %q: there is none: %w", k, admin.ErrInvalid)
			}
			list, err := store.Parked(ctx, q.Cursor, q.Limit+1)
			page := admin.Page{}
			if len(list) > q.Limit {
				list = list[:q.Limit]
				page.Next = list[q.Limit-1].ID
			}
			for _, p := range list {
				page.Items = append(page.Items, parkedItem{ID: p.ID, State: "parked", Topic: p.Topic, Key: string(p.Key), Bytes: len(p.Body), Attempts: p.Attempts, Error: p.Error, Staged: p.Time, Parked: p.Parked})
			}
			return page, err
		},
		Actions: map[string]admin.Action{
			"retry": {Title: "Publish again", Confirm: "It goes behind what was staged since, out of the order of its key. Go on?", Do: func(ctx context.Context, id string, _ json.RawMessage) (any, error) {
				err := store.Unpark(ctx, id)
				if errors.Is(err, ErrNotParked) {
					err = fmt.Errorf("%w: %w", admin.ErrNotFound, err)
				}
				return nil, err
			}},
		},
	}
}
