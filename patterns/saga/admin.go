package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

// Section offers the orchestrator's sagas to the command line ("ashlar saga")
// and a console. Filters of its list: state, definition. Actions:
//
//	retry                              the next attempt now
//	skip   {"step", "result", "by"}    record a step as done
//	force  {"to", "by"}                compensating, compensated or completed
func (o *Orchestrator) Section() admin.Section {
	return admin.Section{
		Name: "sagas", Title: "Sagas",
		List: func(_ context.Context, q admin.Query) (admin.Page, error) {
			for k := range q.Filter {
				if k != "state" && k != "definition" {
					return admin.Page{}, fmt.Errorf("filter %q: want state or definition: %w", k, admin.ErrInvalid)
				}
			}
			infos, next := o.List(Filter{State: State(q.Filter["state"]), Definition: q.Filter["definition"], After: q.Cursor, Limit: q.Limit})
			p := admin.Page{Next: next, Items: make([]any, len(infos))}
			for i := range infos {
				p.Items[i] = infos[i]
			}
			return p, nil
		},
		Show: func(ctx context.Context, id string) (any, error) {
			i, err := o.Show(ctx, id)
			return i, forAdmin(err)
		},
		Actions: map[string]admin.Action{
			"retry": {Title: "Retry now", Do: o.act(func(ctx context.Context, id string, _ orders) error { return o.Retry(ctx, id) })},
			"skip": {
				Title: "Skip step", Confirm: "The step is recorded as done without being called. Go on?",
				Do: o.act(func(ctx context.Context, id string, a orders) error { return o.Skip(ctx, id, a.Step, a.Result, a.By) }),
			},
			"force": {
				Title: "Force an end", Confirm: "The saga is turned or ended whatever its participants did. Go on?",
				Do: o.act(func(ctx context.Context, id string, a orders) error { return o.Force(ctx, id, a.To, a.By) }),
			},
		},
	}
}

type orders struct {
	Step   string          `json:"step"`
	Result json.RawMessage `json:"result"`
	To     State           `json:"to"`
	By     string          `json:"by"`
}

func (o *Orchestrator) act(f func(context.Context, string, orders) error) func(context.Context, string, json.RawMessage) (any, error) {
	return func(ctx context.Context, id string, raw json.RawMessage) (any, error) {
		var a orders
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &a); err != nil {
				return nil, fmt.Errorf("arguments: %w: %w", err, admin.ErrInvalid)
			}
		}
		return nil, forAdmin(f(ctx, id, a))
	}
}

// forAdmin adds what the admin handler makes its status of.
func forAdmin(err error) error {
	var invalid *InvalidError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return errors.Join(err, admin.ErrNotFound)
	case errors.Is(err, ErrNotNow):
		return errors.Join(err, admin.ErrConflict)
	case errors.As(err, &invalid):
		return errors.Join(err, admin.ErrInvalid)
	}
	return err
}
