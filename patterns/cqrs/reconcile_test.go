package cqrs_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

type table map[string]string

func side(t table, changed time.Time) cqrs.Side {
	return cqrs.Side{
		All: func(context.Context) iter.Seq2[cqrs.Item, error] {
			return func(yield func(cqrs.Item, error) bool) {
				for _, k := range slices.Sorted(maps.Keys(t)) {
					if !yield(cqrs.Item{Key: k, Digest: t[k], Changed: changed}, nil) {
						return
					}
				}
			}
		},
		One: func(_ context.Context, key string) (cqrs.Item, bool, error) {
			v, ok := t[key]
			return cqrs.Item{Key: key, Digest: v, Changed: changed}, ok, nil
		},
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	truth := table{"a": "1", "b": "2", "c": "3", "late": "9", "stubborn": "5"}
	model := table{"a": "1", "b": "old", "d": "4", "late": "8", "stubborn": "x"}
	r := cqrs.Reconciler{
		Name: "orders", Truth: side(truth, time.Now().Add(-time.Hour)), Model: side(model, time.Time{}),
		Settle: func(context.Context) error { model["late"] = "9"; return nil },
		Repair: func(_ context.Context, key string) error {
			switch v, ok := truth[key]; {
			case key == "stubborn": // claims to be done
			case ok:
				model[key] = v
			default:
				delete(model, key)
			}
			return nil
		},
	}
	rep, err := r.Run(t.Context(), &cqrs.ReconcileOptions{DryRun: true})
	if err != nil || rep.Compared != 6 || rep.Wrong != 4 || rep.Late != 1 || rep.Repaired != 0 || rep.Staleness < time.Hour || len(rep.Samples) != 4 || rep.Samples[0] != "b: different" {
		t.Errorf("dry run: %+v %v", rep, err)
	}
	var many *cqrs.TooManyError
	if _, err := r.Run(t.Context(), &cqrs.ReconcileOptions{MaxRepairs: 3}); !errors.As(err, &many) || many.Wrong != 4 || model["b"] != "old" {
		t.Errorf("too many: %v", err)
	}
	rep, err = r.Run(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "still different after its repair") || rep.Repaired != 3 || !slices.Equal(rep.Failed, []string{"stubborn"}) {
		t.Errorf("repair: %+v %v", rep, err)
	}
	if !slices.Equal(rep.Missing, []string{"c"}) || !slices.Equal(rep.Extra, []string{"d"}) || !slices.Equal(rep.Different, []string{"b", "stubborn"}) {
		t.Errorf("kinds: %+v", rep)
	}
	truth["stubborn"] = "x"
	if !maps.Equal(truth, model) {
		t.Errorf("truth %v, model %v", truth, model)
	}
	if rep, err := r.Run(t.Context(), nil); err != nil || rep.Wrong != 0 || rep.Compared != 5 {
		t.Errorf("afterwards: %+v %v", rep, err)
	}
}

func TestReconcileWantsOrder(t *testing.T) {
	t.Parallel()
	s := side(table{}, time.Time{})
	s.All = func(context.Context) iter.Seq2[cqrs.Item, error] {
		return func(yield func(cqrs.Item, error) bool) {
			_ = yield(cqrs.Item{Key: "b"}, nil) && yield(cqrs.Item{Key: "a"}, nil)
		}
	}
	r := cqrs.Reconciler{Name: "x", Truth: s, Model: side(table{}, time.Time{})}
	if _, err := r.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "ascending") {
		t.Errorf("unsorted: %v", err)
	}
	failed := errors.New("connection refused")
	s.All = func(context.Context) iter.Seq2[cqrs.Item, error] {
		return func(yield func(cqrs.Item, error) bool) { yield(cqrs.Item{}, failed) }
	}
	r.Truth = s
	if _, err := r.Run(t.Context(), nil); !errors.Is(err, failed) {
		t.Errorf("failing side: %v", err)
	}
}
