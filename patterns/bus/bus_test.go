package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bundle struct {
	*bus.Bus
	broker *membus.Broker
	conn   driver.Bus
}

func setup(t *testing.T, o *bus.Options) *bundle {
	t.Helper()
	broker := membus.NewBroker(nil)
	if o == nil {
		o = &bus.Options{}
	}
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	conn := broker.Connect()
	b, err := bus.New(conn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &bundle{b, broker, conn}
}

var traits = driver.Traits{EventPrefix: "ce_"}

func TestMappingsKeepAnEvent(t *testing.T) {
	t.Parallel()
	e := bus.Event{Topic: "orders", Key: "42", ID: "i", Source: "/shop", Type: "placed", Version: 2, Subject: "s ü\"%", Time: time.Unix(1700000000, 5000000).UTC(),
		Schema: "urn:x", ContentType: "application/json", Data: []byte(`{"n":12345678901234567890}`), Headers: []bus.Header{{Name: "tenant", Value: []byte("a")}}}
	for name, m := range map[string]bus.Mapping{
		"binary": bus.CloudEvents{}, "structured": bus.CloudEvents{Structured: true},
		"headers": bus.Plain{ID: bus.Place{Header: "Id"}, Source: bus.Place{Header: "From"}, Type: bus.Place{Header: "Event"}, Version: bus.Place{Header: "V"}, Subject: bus.Place{Header: "S"}, Time: bus.Place{Header: "At"}},
		"body":    bus.Plain{ID: bus.Place{Field: "meta.id"}, Source: bus.Place{Const: "/shop"}, Type: bus.Place{Field: "meta.type"}, Version: bus.Place{Field: "meta.v"}, Subject: bus.Place{Field: "s"}, Time: bus.Place{Field: "meta.at"}, Data: "payload", Rename: map[string]string{"tenant": "X-Tenant"}},
	} {
		for _, prefix := range []string{"ce_", "ce-", "cloudEvents_"} {
			tr := driver.Traits{EventPrefix: prefix}
			in := e
			r, err := m.Encode(&in, tr)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := bus.Event{Topic: "orders", Key: r.Key}
			if err := m.Decode(&r, &got, tr); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.ID != e.ID || got.Source != e.Source || got.Type != e.Type || got.Version != e.Version || got.Subject != e.Subject || !got.Time.Equal(e.Time) || got.Key != e.Key || !bytes.Equal(got.Data, e.Data) {
				t.Errorf("%s, %s: %+v\nfrom %+v", name, prefix, got, r)
			}
			if v, ok := got.Header("TENANT"); !ok || v != "a" {
				t.Errorf("%s: headers %+v", name, got.Headers)
			}
		}
	}
}

func TestWhatCannotBeReadBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	handled := make(chan string, 10)
	_, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{"orders"}, Group: "billing", Start: driver.Earliest}, func(_ context.Context, e bus.Event) error {
		handled <- string(e.Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := func(body string, hs ...bus.Header) {
		ch := make(chan []error, 1)
		b.conn.Publish(t.Context(), []driver.Record{{Topic: "orders", Body: []byte(body), Headers: hs}}, func(errs []error) { ch <- errs })
		if errs := <-ch; errs != nil {
			t.Fatal(errs)
		}
	}
	raw("bad version", bus.Header{Name: "ce_specversion", Value: []byte("0.3")})
	raw("no id", bus.Header{Name: "ce_specversion", Value: []byte("1.0")})
	raw("bad time", bus.Header{Name: "ce_time", Value: []byte("yesterday")})
	raw("not UTF-8", bus.Header{Name: "ce_id", Value: []byte("\xff")})
	raw("not JSON", bus.Header{Name: "content-type", Value: []byte("application/cloudevents+json")})
	raw("plain")
	if got := <-handled; got != "plain" {
		t.Errorf("handled %q", got)
	}
	letters := await(t, b.DeadLetters("billing.dead-letters"), 5)
	for _, l := range letters {
		if l.Tries != 1 || l.Error == "" {
			t.Errorf("%s: %d tries, error %q", l.ID, l.Tries, l.Error)
		}
	}
}

func await(t *testing.T, q *bus.DeadLetters, n int) []bus.DeadLetter {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; {
		ls, err := q.List(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(ls) >= n {
			return ls
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d dead letters of %d", len(ls), n)
		}
		<-time.After(time.Millisecond)
	}
}

// While the dead letters cannot be stored the event stays unacknowledged.
func TestDeadLetterTopicDown(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	down := make(chan struct{}, 100)
	b.broker.Fault(func(r *driver.Record) error {
		if strings.HasSuffix(r.Topic, ".dead-letters") {
			down <- struct{}{}
			return errors.New("down")
		}
		return nil
	})
	others := make(chan struct{}, 1)
	c, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{"orders"}, Group: "billing", Start: driver.Earliest, Retry: bus.Retry{Tries: 2, Base: time.Millisecond, Cap: time.Millisecond}},
		func(_ context.Context, e bus.Event) error {
			if e.Key == "bad" {
				return errors.New("poison")
			}
			others <- struct{}{}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), bus.Event{Topic: "orders", Key: "bad", Type: "x"}, bus.Event{Topic: "orders", Key: "good", Type: "x"}); err != nil {
		t.Fatal(err)
	}
	<-others
	<-down
	<-down
	if s := c.Stats(t.Context()); s.Lag != 1 || s.DeadLetters != 0 || s.Parked != 1 {
		t.Errorf("while the topic is down: %+v", s)
	}
	b.broker.Fault(nil)
	await(t, b.DeadLetters("billing.dead-letters"), 1)
}

func TestPublishSaysWhichFailed(t *testing.T) {
	t.Parallel()
	b := setup(t, &bus.Options{MaxBytes: 1000})
	err := b.Publish(t.Context(), bus.Event{Topic: "t", Type: "x"}, bus.Event{Topic: "t"}, bus.Event{Topic: "t", Type: "x", Data: make([]byte, 2000)},
		bus.Event{Topic: "t", Type: "x", Headers: []bus.Header{{Name: "a\nb"}}}, bus.Event{Topic: "t", Type: "x"})
	var pe *bus.PublishError
	if !errors.As(err, &pe) || len(pe.Failed) != 3 || pe.Failed[0].Index != 1 || pe.Failed[1].Index != 2 || pe.Failed[2].Index != 3 {
		t.Fatalf("Publish = %v", err)
	}
	if !errors.Is(err, bus.ErrTooLarge) || !errors.Is(err, bus.ErrInvalid) {
		t.Errorf("the causes are lost: %v", err)
	}
}

type order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	c, err := bus.NewCatalog()
	if err != nil {
		t.Fatal(err)
	}
	placed, err := bus.Define(c, bus.EventType{Name: "placed", Topic: "orders", Version: 2, Earlier: []bus.EarlierVersion{{Version: 1,
		Up: func(b []byte) ([]byte, error) { return bytes.Replace(b, []byte("sum"), []byte("total"), 1), nil }}}}, func(o *order) string { return o.ID }, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, &bus.Options{Catalog: c})
	var schema *bus.SchemaError
	if err := b.Publish(t.Context(), bus.Event{Topic: "orders", Type: "placed", Data: []byte(`{"id":1}`)}); !errors.As(err, &schema) {
		t.Errorf("broken data: %v", err)
	}
	var unknown *bus.UnknownTypeError
	if err := b.Publish(t.Context(), bus.Event{Topic: "orders", Type: "paid"}); !errors.As(err, &unknown) {
		t.Errorf("undeclared type: %v", err)
	}
	var version *bus.VersionError
	if err := b.Publish(t.Context(), bus.Event{Topic: "orders", Type: "placed", Version: 3}); !errors.As(err, &version) {
		t.Errorf("unknown version: %v", err)
	}
	h, err := bus.Routes(bus.On(placed, func(_ context.Context, e bus.Event, o *order) error {
		if o.Total != 7 || e.Version != 2 {
			return fmt.Errorf("got %+v, version %d", o, e.Version)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []bus.Event{
		{Type: "placed", Version: 1, Data: []byte(`{"id":"a","sum":7}`)}, {Type: "placed", Version: 2, Data: []byte(`{"id":"a","total":7}`)},
		{Type: "placed", Data: []byte(`{"id":"a","total":7}`)}, {Data: []byte(`{"total":7}`)},
	} {
		if err := h(t.Context(), e); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if err := h(t.Context(), bus.Event{Type: "placed", Version: 9}); !errors.As(err, &version) {
		t.Errorf("a version of tomorrow: %v", err)
	}
	doc, err := c.AsyncAPI("shop", "1")
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		AsyncAPI   string
		Channels   map[string]struct{ Address string }
		Components struct{ Messages, Schemas map[string]any }
	}
	if err := json.Unmarshal(doc, &parsed); err != nil || parsed.AsyncAPI != "3.0.0" || parsed.Channels["orders"].Address != "orders" || len(parsed.Components.Messages) != 2 || len(parsed.Components.Schemas) != 1 {
		t.Errorf("AsyncAPI: %v\n%s", err, doc)
	}
}

func TestTraceGoesAcross(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	got := make(chan bus.TraceParent, 1)
	_, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{"a"}, Group: "g"}, func(ctx context.Context, _ bus.Event) error {
		p, _ := bus.TraceFrom(ctx)
		got <- p
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := bus.TraceParent{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", State: "a=b"}
	if err := b.Publish(bus.WithTrace(t.Context(), want), bus.Event{Topic: "a", Type: "x"}); err != nil {
		t.Fatal(err)
	}
	if p := <-got; p != want {
		t.Errorf("trace %+v", p)
	}
}

func TestAdminSection(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	fixed := make(chan string, 1)
	_, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{"orders"}, Group: "billing"}, func(_ context.Context, e bus.Event) error {
		if string(e.Data) != "right" {
			return bus.Terminal(errors.New("wrong"))
		}
		fixed <- string(e.Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), bus.Event{Topic: "orders", Key: "1", Type: "x", Data: []byte("wrong")}); err != nil {
		t.Fatal(err)
	}
	q := b.DeadLetters("billing.dead-letters")
	id := await(t, q, 1)[0].ID
	s := bus.Section(q)
	act := func(name, args string) error {
		_, err := s.Actions[name].Do(t.Context(), id, json.RawMessage(args))
		return err
	}
	if err := act("edit", `{}`); !errors.Is(err, admin.ErrInvalid) {
		t.Errorf("edit without a body: %v", err)
	}
	if err := act("edit", `{"body":"cmlnaHQ="}`); err != nil {
		t.Fatal(err)
	}
	if err := act("replay", ""); err != nil {
		t.Fatal(err)
	}
	if got := <-fixed; got != "right" {
		t.Errorf("replayed %q", got)
	}
	if err := act("replay", ""); !errors.Is(err, admin.ErrConflict) {
		t.Errorf("a second replay: %v", err)
	}
	if _, err := s.Show(t.Context(), "none"); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("show of none: %v", err)
	}
	page, err := s.List(t.Context(), admin.Query{Limit: 10, Filter: map[string]string{"state": "replayed"}})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("list = %+v, %v", page, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/","type":"t","data":{}}`), "application/cloudevents+json", "1.0")
	f.Add([]byte(`x`), "", "2")
	f.Fuzz(func(t *testing.T, body []byte, ct, version string) {
		r := driver.Record{Topic: "t", Body: body, Headers: []bus.Header{{Name: "content-type", Value: []byte(ct)}, {Name: "ce_specversion", Value: []byte(version)}}}
		for _, m := range []bus.Mapping{bus.CloudEvents{}, bus.CloudEvents{Strict: true}, bus.Plain{ID: bus.Place{Field: "id"}, Data: "data"}} {
			e := bus.Event{Topic: "t"}
			if err := m.Decode(&r, &e, traits); err != nil {
				var bad *bus.BadEventError
				if !errors.As(err, &bad) {
					t.Errorf("%T: %v is no BadEventError", m, err)
				}
			}
		}
	})
}
