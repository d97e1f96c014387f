package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

type parker struct{ ids []string }

func (p *parker) Parked(_ context.Context, after string, limit int) (list []outbox.Parked, err error) {
	for _, id := range p.ids {
		if id > after && len(list) < limit {
			list = append(list, outbox.Parked{Message: outbox.Message{ID: id, Body: []byte("secret")}})
		}
	}
	return list, nil
}

func (p *parker) Unpark(_ context.Context, id string) error {
	if id != p.ids[0] {
		return outbox.ErrNotParked
	}
	return nil
}

func TestSection(t *testing.T) {
	t.Parallel()
	s := outbox.Section(&parker{ids: []string{"a", "b", "c"}})
	page, err := s.List(t.Context(), admin.Query{Limit: 2})
	if err != nil || len(page.Items) != 2 || page.Next != "b" {
		t.Errorf("first page: %+v %v", page, err)
	}
	page, err = s.List(t.Context(), admin.Query{Limit: 2, Cursor: page.Next})
	if err != nil || len(page.Items) != 1 || page.Next != "" {
		t.Errorf("second page: %+v %v", page, err)
	}
	if text := fmt.Sprintf("%+v", page.Items); strings.Contains(text, "secret") {
		t.Errorf("the body is shown: %s", text)
	}
	retry := s.Actions["retry"].Do
	if _, err := retry(t.Context(), "a", nil); err != nil {
		t.Error(err)
	}
	if _, err := retry(t.Context(), "z", nil); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}
