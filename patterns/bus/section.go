package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

// DeadLettersSection is the name of the admin section that Section returns.
const DeadLettersSection = "dead-letters"

// Section offers dead letters to the command line and the console:
//
//	admin.Listen("shop", nil, bus.Section(b.DeadLetters("billing.dead-letters")))
//
// Its filters are state (dead, replayed, discarded), group and topic; without a
// state only dead ones are listed.
func Section(queues ...*DeadLetters) admin.Section {
	s := deadSection(queues)
	action := func(title, confirm string, do func(ctx context.Context, q *DeadLetters, id string, args json.RawMessage) error) admin.Action {
		return admin.Action{Title: title, Confirm: confirm, Do: func(ctx context.Context, id string, args json.RawMessage) (any, error) {
			q, err := s.find(ctx, id)
			if err == nil {
				err = do(ctx, q, id, args)
			}
			if err != nil {
				return nil, mapped(err)
			}
			return q.Show(ctx, id)
		}}
	}
	return admin.Section{
		Name: DeadLettersSection, Title: "Dead letters", List: s.list, Show: s.show,
		Actions: map[string]admin.Action{
			"replay": action("Replay", "The event is published to its topic again; programs that do not use this bus see it twice.",
				func(ctx context.Context, q *DeadLetters, id string, _ json.RawMessage) error {
					return q.Replay(ctx, id)
				}),
			"discard": action("Discard", "The event will not be handled.",
				func(ctx context.Context, q *DeadLetters, id string, _ json.RawMessage) error {
					return q.Discard(ctx, id)
				}),
			"edit": action("Edit", "", func(ctx context.Context, q *DeadLetters, id string, args json.RawMessage) error {
				var in struct {
					Body *[]byte `json:"body"` // base64
				}
				if err := json.Unmarshal(args, &in); err != nil || in.Body == nil {
					return fmt.Errorf("edit needs {\"body\": \"base64\"}: %w", admin.ErrInvalid)
				}
				return q.Edit(ctx, id, *in.Body)
			}),
		},
	}
}

type deadSection []*DeadLetters

func mapped(err error) error {
	switch {
	case errors.Is(err, ErrNoLetter):
		return fmt.Errorf("%w: %w", err, admin.ErrNotFound)
	case errors.Is(err, ErrSettled), errors.Is(err, ErrTruncated):
		return fmt.Errorf("%w: %w", err, admin.ErrConflict)
	}
	return err
}

func (s deadSection) list(ctx context.Context, q admin.Query) (admin.Page, error) {
	state := q.Filter["state"]
	if state == "" {
		state = Dead
	}
	keep := func(l *DeadLetter) bool {
		group, topic := q.Filter["group"], q.Filter["topic"]
		return (state == "all" || l.State == state) && (group == "" || l.Group == group) && (topic == "" || l.Topic == topic)
	}
	from := 0
	if q.Cursor != "" {
		n, err := strconv.Atoi(q.Cursor)
		if err != nil || n < 0 {
			return admin.Page{}, fmt.Errorf("cursor %q: %w", q.Cursor, admin.ErrInvalid)
		}
		from = n
	}
	var page admin.Page
	for _, queue := range s {
		ls, err := queue.List(ctx, keep)
		if err != nil {
			return page, err
		}
		for _, l := range ls {
			if page.Total++; page.Total > from && len(page.Items) < q.Limit {
				l.Body = nil // shown singly
				page.Items = append(page.Items, l)
			}
		}
	}
	if from+len(page.Items) < page.Total {
		page.Next = strconv.Itoa(from + len(page.Items))
	}
	return page, nil
}

func (s deadSection) find(ctx context.Context, id string) (*DeadLetters, error) {
	err := fmt.Errorf("%w: %q", ErrNoLetter, id)
	for _, q := range s {
		if _, err = q.Show(ctx, id); err == nil || !errors.Is(err, ErrNoLetter) {
			return q, err
		}
	}
	return nil, err
}

func (s deadSection) show(ctx context.Context, id string) (any, error) {
	q, err := s.find(ctx, id)
	if err != nil {
		return nil, mapped(err)
	}
	l, err := q.Show(ctx, id)
	return l, mapped(err)
}
