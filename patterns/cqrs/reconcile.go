package cqrs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Item is one thing that truth and read model both should have.
type Item struct {
	Key    string
	Digest string // of what matters; equal digests are equal items
	// Changed is when the item took this shape; zero: unknown. The truth's tells
	// how long the read model has been stale.
	Changed time.Time
}

// Side is one of the two that are compared.
type Side struct {
	// All yields every item, by ascending key (bytewise: ORDER BY key COLLATE "C").
	All func(ctx context.Context) iter.Seq2[Item, error]
	// One returns an item by key, and whether there is one.
	One func(ctx context.Context, key string) (Item, bool, error)
}

// Reconciler compares a read model with the truth and mends it.
type Reconciler struct {
	Name         string
	Truth, Model Side
	// Settle waits until the model shows what the truth held when it is called,
	// such as Projector.Wait for the head; may be nil. What still differs
	// afterwards is wrong, not late.
	Settle func(ctx context.Context) error
	// Repair makes the model's item what the truth says, or removes it.
	Repair func(ctx context.Context, key string) error
}

// ReconcileOptions of [Reconciler.Run]; nil or zero is the default.
type ReconcileOptions struct {
	DryRun bool // measure only
	// MaxRepairs stops a run that finds more: then something larger is wrong and
	// a rebuild is the better answer. Default 1000.
	MaxRepairs int
}

// Report is what a reconcile found.
type Report struct {
	Name                      string        `json:"name"`
	Compared                  int           `json:"compared"`          // keys on either side
	Missing, Extra, Different []string      `json:"-"`                 // keys that are wrong
	Wrong                     int           `json:"wrong"`             // their count
	Late                      int           `json:"late"`              // differed at first and then did not: mere lag
	Repaired                  int           `json:"repaired"`          //
	Staleness                 time.Duration `json:"staleness"`         // the longest that a wrong item has been so
	Took                      time.Duration `json:"took"`              //
	Failed                    []string      `json:"failed,omitempty"`  // keys whose repair failed or did not help
	Samples                   []string      `json:"samples,omitempty"` // the first wrong keys, with how they are wrong
}

// TooManyError says that a read model is too far off to be mended item by item.
type TooManyError struct {
	Name       string
	Wrong, Max int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("cqrs: reconcile %s: %d items are wrong, at most %d are repaired: rebuild the projection, or raise MaxRepairs", e.Name, e.Wrong, e.Max)
}

const maxSamples = 20

// Run compares everything, waits for lag to settle, looks again at what
// differed, and repairs what still does. The report holds also when there is an error.
func (r *Reconciler) Run(ctx context.Context, opts *ReconcileOptions) (rep Report, err error) {
	var o ReconcileOptions
	if opts != nil {
		o = *opts
	}
	if o.MaxRepairs == 0 {
		o.MaxRepairs = 1000
	}
	start := time.Now()
	rep.Name = r.Name
	defer func() { rep.Took = time.Since(start) }()
	suspects, err := r.compare(ctx, &rep)
	if err != nil || len(suspects) == 0 {
		return rep, err
	}
	if r.Settle != nil {
		if err := r.Settle(ctx); err != nil {
			return rep, fmt.Errorf("cqrs: reconcile %s: %w", r.Name, err)
		}
	}
	wrong, err := r.confirm(ctx, suspects, &rep)
	if err != nil || o.DryRun {
		return rep, err
	}
	if len(wrong) > o.MaxRepairs {
		return rep, &TooManyError{Name: r.Name, Wrong: len(wrong), Max: o.MaxRepairs}
	}
	err = r.repair(ctx, wrong, &rep) // before rep is returned: it fills it
	return rep, err
}

// compare walks both sides by key and returns the keys that differ.
func (r *Reconciler) compare(ctx context.Context, rep *Report) (suspects []string, err error) {
	nextT, stopT := iter.Pull2(sorted(r.Truth.All(ctx), "truth"))
	defer stopT()
	nextM, stopM := iter.Pull2(sorted(r.Model.All(ctx), "model"))
	defer stopM()
	t, errT, moreT := nextT()
	m, errM, moreM := nextM()
	for moreT || moreM {
		if err := errors.Join(errT, errM); err != nil {
			return nil, fmt.Errorf("cqrs: reconcile %s: %w", r.Name, err)
		}
		rep.Compared++
		c := cmp.Compare(t.Key, m.Key)
		if !moreM {
			c = -1
		} else if !moreT {
			c = 1
		}
		switch {
		case c < 0:
			suspects = append(suspects, t.Key)
		case c > 0:
			suspects = append(suspects, m.Key)
		case t.Digest != m.Digest:
			suspects = append(suspects, t.Key)
		}
		if c <= 0 {
			t, errT, moreT = nextT()
		}
		if c >= 0 {
			m, errM, moreM = nextM()
		}
	}
	return suspects, nil
}

// sorted turns disorder into an error: it would show as differences that are none.
func sorted(all iter.Seq2[Item, error], side string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		last, any := "", false
		for item, err := range all {
			if err == nil && any && item.Key <= last {
				err = fmt.Errorf("%s yields %q after %q: want ascending keys, bytewise", side, item.Key, last)
			}
			if !yield(item, err) || err != nil {
				return
			}
			last, any = item.Key, true
		}
	}
}

func (r *Reconciler) confirm(ctx context.Context, suspects []string, rep *Report) (wrong []string, err error) {
	for _, key := range suspects {
		how, truth, err := r.differ(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("cqrs: reconcile %s: %s: %w", r.Name, key, err)
		}
		switch how {
		case "":
			rep.Late++
			continue
		case "missing":
			rep.Missing = append(rep.Missing, key)
		case "extra":
			rep.Extra = append(rep.Extra, key)
		default:
			rep.Different = append(rep.Different, key)
		}
		wrong = append(wrong, key)
		if len(rep.Samples) < maxSamples {
			rep.Samples = append(rep.Samples, key+": "+how)
		}
		if !truth.Changed.IsZero() {
			rep.Staleness = max(rep.Staleness, time.Since(truth.Changed))
		}
	}
	rep.Wrong = len(wrong)
	return wrong, nil
}

// differ says how an item is wrong in the model; "" if it is not.
func (r *Reconciler) differ(ctx context.Context, key string) (how string, truth Item, err error) {
	truth, inTruth, err := r.Truth.One(ctx, key)
	if err != nil {
		return "", truth, err
	}
	model, inModel, err := r.Model.One(ctx, key)
	if err != nil {
		return "", truth, err
	}
	switch {
	case inTruth && !inModel:
		return "missing", truth, nil
	case !inTruth && inModel:
		return "extra", truth, nil
	case inTruth && truth.Digest != model.Digest:
		return "different", truth, nil
	}
	return "", truth, nil
}

// repair mends and looks again: a repair that did not help is a failure.
func (r *Reconciler) repair(ctx context.Context, wrong []string, rep *Report) error {
	var errs []error
	for _, key := range wrong {
		err := r.Repair(ctx, key)
		if err == nil {
			var how string
			if how, _, err = r.differ(ctx, key); err == nil && how != "" {
				err = fmt.Errorf("still %s after its repair", how)
			}
		}
		if err != nil {
			rep.Failed = append(rep.Failed, key)
			errs = append(errs, fmt.Errorf("cqrs: reconcile %s: %s: %w", r.Name, key, err))
			continue
		}
		rep.Repaired++
	}
	return errors.Join(errs...)
}
