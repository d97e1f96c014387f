package cqrs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

// ReadModel is what an operator sees of a read model. *Projector is one.
type ReadModel interface {
	Name() string
	Lag(ctx context.Context) (Lag, error)
	Live(ctx context.Context) (generation int, err error)
	Rebuild(ctx context.Context) error
}

// Name is the projection's.
func (r *Projector[Tx, E]) Name() string { return r.p.Name }

// Status is a read model as the section shows it.
type Status struct {
	ID         string  `json:"id"`
	State      string  `json:"state"` // current, behind, failing
	Generation int     `json:"generation"`
	Position   int64   `json:"position"`
	Head       int64   `json:"head"`
	Behind     int64   `json:"behind"`      // events
	Age        float64 `json:"age_seconds"` // of the oldest event not applied
	Error      string  `json:"error,omitempty"`
}

// Section offers read models to the command line and a console. Reconcilers
// belong to the read model of their name. Actions:
//
//	rebuild                                  beside the live one, then switch
//	reconcile  {"dry_run", "max_repairs"}    measure staleness and repair it; answers with the Report
func Section(models []ReadModel, reconcilers []*Reconciler) admin.Section {
	find := func(id string) (ReadModel, error) {
		for _, m := range models {
			if m.Name() == id {
				return m, nil
			}
		}
		return nil, fmt.Errorf("read model %q: %w", id, admin.ErrNotFound)
	}
	return admin.Section{
		Name: "readmodels", Title: "Read models",
		List: func(ctx context.Context, q admin.Query) (admin.Page, error) {
			for k := range q.Filter {
				if k != "state" {
					return admin.Page{}, fmt.Errorf("filter %q: want state: %w", k, admin.ErrInvalid)
				}
			}
			page := admin.Page{}
			for _, m := range models {
				if item := describe(ctx, m); q.Filter["state"] == "" || q.Filter["state"] == item.State {
					page.Items = append(page.Items, item)
				}
			}
			return page, nil
		},
		Show: func(ctx context.Context, id string) (any, error) {
			m, err := find(id)
			if err != nil {
				return nil, err
			}
			return describe(ctx, m), nil
		},
		Actions: map[string]admin.Action{
			"rebuild": {Title: "Rebuild", Do: func(ctx context.Context, id string, _ json.RawMessage) (any, error) {
				m, err := find(id)
				if err != nil {
					return nil, err
				}
				if err := m.Rebuild(ctx); err != nil {
					return nil, err
				}
				return describe(ctx, m), nil
			}},
			"reconcile": {Title: "Reconcile", Confirm: "What differs from the truth is overwritten. Go on?", Do: func(ctx context.Context, id string, raw json.RawMessage) (any, error) {
				for _, r := range reconcilers {
					if r.Name == id {
						return reconcile(ctx, r, raw)
					}
				}
				return nil, fmt.Errorf("read model %q has no reconciler: %w", id, admin.ErrNotFound)
			}},
		},
	}
}

func describe(ctx context.Context, m ReadModel) Status {
	item := Status{ID: m.Name(), State: "current"}
	lag, err := m.Lag(ctx)
	if err == nil {
		item.Generation, err = m.Live(ctx)
	}
	if err == nil {
		err = lag.Err
	}
	item.Position, item.Head, item.Behind, item.Age = lag.Position, lag.Head, lag.Events, lag.Age.Seconds()
	switch {
	case err != nil:
		item.State, item.Error = "failing", err.Error()
	case lag.Events > 0:
		item.State = "behind"
	}
	return item
}

func reconcile(ctx context.Context, r *Reconciler, raw json.RawMessage) (any, error) {
	var args struct {
		DryRun     bool `json:"dry_run"`
		MaxRepairs int  `json:"max_repairs"`
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &args); err != nil {
			return nil, fmt.Errorf("want dry_run and max_repairs: %w (%w)", err, admin.ErrInvalid)
		}
	}
	rep, err := r.Run(ctx, &ReconcileOptions{DryRun: args.DryRun, MaxRepairs: args.MaxRepairs})
	var many *TooManyError
	if errors.As(err, &many) {
		return rep, fmt.Errorf("%w: %w", err, admin.ErrConflict)
	}
	return rep, err
}
