package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// wire is a bus whose participant answers at once.
type wire struct {
	mu     sync.Mutex
	sent   []string
	answer func(m saga.Message) *saga.Reply // nil: the reply is lost
	o      *saga.Orchestrator
}

func (w *wire) Send(_ context.Context, m saga.Message) error {
	w.mu.Lock()
	w.sent = append(w.sent, strings.Join([]string{m.Topic, m.Type, m.Saga, m.Step, string(m.Direction), string(m.Body)}, " "))
	w.mu.Unlock()
	if r := w.answer(m); r != nil {
		r.Saga, r.Step, r.Direction = m.Saga, m.Step, m.Direction
		w.o.Deliver(*r)
	}
	return nil
}

func TestStepsByCommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := 1
		w := &wire{answer: func(m saga.Message) *saga.Reply {
			switch {
			case m.Type == "Reserve" && lost > 0:
				lost--
				return nil
			case m.Type == "Charge":
				return &saga.Reply{Error: "card expired", Refused: true}
			}
			return &saga.Reply{Result: json.RawMessage(`{"Number":"R-1"}`)}
		}}
		reserve := saga.ByCommand[order, receipt]("reserve", w, saga.Command[order]{Topic: "stock", Do: "Reserve", Undo: "Release",
			Body: func(c *saga.Call[order]) (any, error) { return map[string]string{"sku": c.Input.Item}, nil }})
		charge := saga.ByCommand[order, saga.None]("charge", w, saga.Command[order]{Topic: "bank", Do: "Charge"})
		charge.Pivot = true
		d := define(t, 1, nil, reserve, charge)
		o, end := setup(t).open(nil, d)
		defer end()
		w.o = o
		err := d.Run(t.Context(), o, "7", order{Item: "pen", Cents: 3})
		if err == nil || !strings.Contains(err.Error(), "card expired") {
			t.Errorf("ended with %v", err)
		}
		want := `stock Reserve 7 reserve do {"sku":"pen"}
stock Reserve 7 reserve do {"sku":"pen"}
bank Charge 7 charge do {"Item":"pen","Cents":3}
stock Release 7 reserve undo {"sku":"pen"}`
		if got := strings.Join(w.sent, "\n"); got != want {
			t.Errorf("sent:\n%s", got)
		}
		if o.Deliver(saga.Reply{Saga: "7", Step: "reserve", Direction: saga.Do}) {
			t.Error("a late reply found a waiter")
		}
	})
}

func TestRefuseKeepsTheCause(t *testing.T) {
	t.Parallel()
	if err := saga.Refuse(errNo); !errors.Is(err, errNo) || !saga.Refused(err) || saga.Refused(errNo) || saga.Refuse(nil) != nil {
		t.Errorf("got %v", err)
	}
}
