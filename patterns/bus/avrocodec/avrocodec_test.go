package avrocodec_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/avrocodec"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
)

const (
	first  = `{"type":"record","name":"Placed","fields":[{"name":"id","type":"string"},{"name":"cents","type":"int"},{"name":"note","type":"string"}]}`
	second = `{"type":"record","name":"Placed","fields":[{"name":"id","type":"string"},{"name":"cents","type":"long"},{"name":"currency","type":"string","default":"EUR"}]}`
)

type placedFirst struct {
	ID    string `avro:"id"`
	Cents int32  `avro:"cents"`
	Note  string `avro:"note"`
}

type placedSecond struct {
	ID       string `avro:"id"`
	Cents    int64  `avro:"cents"`
	Currency string `avro:"currency"`
}

func codec(t *testing.T, r *avrocodec.Registry, o avrocodec.Options) *avrocodec.Codec {
	t.Helper()
	c, err := avrocodec.New(r, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The bytes are those of Confluent's serializers: a zero, the number, then Avro,
// here as its specification encodes strings and ints.
func TestWireFormat(t *testing.T) {
	t.Parallel()
	r := newFakeRegistry(t).client(nil)
	c := codec(t, r, avrocodec.Options{Schema: first, Subject: "orders-value", Register: true})
	b, err := c.Marshal(&placedFirst{ID: "o1", Cents: -3, Note: ""})
	if want := "\x00\x00\x00\x00\x01" + "\x04o1" + "\x05" + "\x00"; err != nil || string(b) != want {
		t.Errorf("Marshal = % x, %v; want % x", b, err, want)
	}
}

func TestEvolution(t *testing.T) {
	t.Parallel()
	f := newFakeRegistry(t)
	r := f.client(nil)
	old := codec(t, r, avrocodec.Options{Schema: first, Subject: "orders-value", Register: true})
	now := codec(t, r, avrocodec.Options{Schema: second, Subject: "orders-value", Register: true})
	var wg sync.WaitGroup
	for range 8 { // together, and yet each question is asked once
		wg.Go(func() {
			b, err := old.Marshal(&placedFirst{ID: "o1", Cents: 250, Note: "gift"})
			if err != nil {
				t.Error(err)
				return
			}
			var v placedSecond
			if err := now.Unmarshal(b, &v); err != nil || v != (placedSecond{"o1", 250, "EUR"}) {
				t.Errorf("the first version as the second: %+v, %v", v, err)
			}
		})
	}
	wg.Wait()
	if n := f.asked["POST /subjects/orders-value/versions"]; n != 1 {
		t.Errorf("registered %d times", n)
	}
	if n := f.asked["GET /schemas/ids/1"]; n != 1 {
		t.Errorf("the writer's schema was asked %d times", n)
	}
	// The other way: "note" has no default.
	b, err := now.Marshal(&placedSecond{ID: "o2", Cents: 1, Currency: "CHF"})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Unmarshal(b, &placedFirst{}); err == nil || !strings.Contains(err.Error(), "cannot be read as this program's") {
		t.Errorf("the second version as the first: %v", err)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	f := newFakeRegistry(t)
	r := f.client(nil)
	if _, err := r.Register(t.Context(), "money", avrocodec.Schema{Text: `{"type":"record","name":"shop.Money","fields":[{"name":"cents","type":"long"}]}`}); err != nil {
		t.Fatal(err)
	}
	o := avrocodec.Options{Schema: `{"type":"record","name":"shop.Paid","fields":[{"name":"sum","type":"shop.Money"}]}`, Subject: "paid-value", Register: true,
		References: []avrocodec.Reference{{Name: "shop.Money", Subject: "money", Version: 1}}}
	type paid struct {
		Sum struct {
			Cents int64 `avro:"cents"`
		} `avro:"sum"`
	}
	var in, out paid
	in.Sum.Cents = 7
	b, err := codec(t, r, o).Marshal(&in)
	if err != nil {
		t.Fatal(err)
	}
	if err := codec(t, r, o).Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%+v, %v", out, err)
	}
	o.References[0].Version = 9
	var e *avrocodec.RegistryError
	if _, err := codec(t, r, o).Marshal(&in); !errors.As(err, &e) || e.Code != 40402 {
		t.Errorf("a reference that is not there: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newFakeRegistry(t).client(nil)
	for _, o := range []avrocodec.Options{{}, {Schema: "{"}, {Schema: first, Timeout: -1}} {
		if _, err := avrocodec.New(r, o); err == nil {
			t.Errorf("New(%+v) succeeds", o)
		}
	}
	if _, err := codec(t, r, avrocodec.Options{Schema: first}).Marshal(&placedFirst{}); !errors.Is(err, avrocodec.ErrReadOnly) {
		t.Errorf("without a subject: %v", err)
	}
	var e *avrocodec.RegistryError
	c := codec(t, r, avrocodec.Options{Schema: first, Subject: "orders-value"})
	if _, err := c.Marshal(&placedFirst{}); !errors.As(err, &e) || e.Code != 40401 {
		t.Errorf("a schema that nobody registered: %v", err)
	}
	var framing *avrocodec.FramingError
	for _, data := range []string{"", "\x00\x00", "{\"id\":1}"} {
		if err := c.Unmarshal([]byte(data), &placedFirst{}); !errors.As(err, &framing) {
			t.Errorf("%q: %v", data, err)
		}
	}
	c = codec(t, r, avrocodec.Options{Schema: first, Subject: "orders-value", Register: true})
	b, err := c.Marshal(&placedFirst{ID: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{b[:len(b)-1], append(b, 1)} {
		if err := c.Unmarshal(data, &placedFirst{}); err == nil || !strings.Contains(err.Error(), "schema 1") {
			t.Errorf("% x: %v", data, err)
		}
	}
}

// On the bus: a registry that is away delays an event, a schema that no registry
// knows makes it a dead letter at once.
func TestOnTheBus(t *testing.T) {
	t.Parallel()
	f := newFakeRegistry(t)
	b, err := bus.New(membus.New(nil), &bus.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	define := func(r *avrocodec.Registry) *bus.Type[placedFirst] {
		typ, err := bus.Define[placedFirst](nil, bus.EventType{Name: "placed", Topic: "orders", Version: 1}, nil,
			codec(t, r, avrocodec.Options{Schema: first, Subject: "orders-value", Register: true}))
		if err != nil {
			t.Fatal(err)
		}
		return typ
	}
	writer, reader := define(f.client(nil)), define(f.client(nil))
	if err := b.Ensure(t.Context(), driver.Topic{Name: "orders", Groups: []string{"billing"}}); err != nil {
		t.Fatal(err)
	}
	if err := writer.Publish(t.Context(), b, placedFirst{ID: "o1", Cents: 5}); err != nil {
		t.Fatal(err)
	}
	unknown, err := writer.Event(&placedFirst{ID: "o2"})
	if err != nil {
		t.Fatal(err)
	}
	if unknown.ContentType != avrocodec.ContentType {
		t.Errorf("content type %q", unknown.ContentType)
	}
	unknown.Data[4] = 99
	if err := b.Publish(t.Context(), unknown); err != nil {
		t.Fatal(err)
	}
	f.setDown(true)
	handled := make(chan placedFirst, 10)
	h, err := bus.Routes(bus.On(reader, func(_ context.Context, _ bus.Event, v *placedFirst) error { handled <- *v; return nil }))
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{"orders"}, Group: "billing", Retry: bus.Retry{Tries: -1, Base: time.Millisecond, Cap: 5 * time.Millisecond}}, h)
	if err != nil {
		t.Fatal(err)
	}
	for c.Stats(t.Context()).FailedTries < 4 {
		<-time.After(time.Millisecond)
	}
	f.setDown(false)
	if v := <-handled; v != (placedFirst{ID: "o1", Cents: 5}) {
		t.Errorf("handled %+v", v)
	}
	q := b.DeadLetters("billing.dead-letters")
	for deadline := time.Now().Add(5 * time.Second); ; <-time.After(time.Millisecond) {
		ls, err := q.List(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(ls) == 1 && strings.Contains(ls[0].Error, "40403") {
			break
		}
		if time.Now().After(deadline) || len(ls) > 1 {
			t.Fatalf("dead letters: %+v", ls)
		}
	}
}

// Whatever comes is read or refused; what is read is written as it came.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01\x04o1\x05\x00"))
	f.Add([]byte("\x00\x00\x00\x00\x01\x04o1"))
	f.Add([]byte("\x00\x00\x00\x00\x02"))
	f.Add([]byte("\x00\x00\x00\x00\x01\xff\xff\xff\xff\x0f"))
	c, err := avrocodec.New(newFakeRegistry(f).client(nil), avrocodec.Options{Schema: first, Subject: "s", Register: true})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := c.Marshal(&placedFirst{}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, again placedFirst
		if c.Unmarshal(data, &v) != nil {
			return
		}
		b, err := c.Marshal(&v)
		if err == nil {
			err = c.Unmarshal(b, &again)
		}
		if err != nil || again != v {
			t.Errorf("% x is read as %+v, then as %+v, %v", data, v, again, err)
		}
	})
}

func ExampleNew() {
	r, err := avrocodec.NewRegistry("https://registry.example:8081", &avrocodec.RegistryOptions{User: "key", Password: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := avrocodec.New(r, avrocodec.Options{Schema: first, Subject: "orders-value"})
	if err != nil {
		fmt.Println(err)
		return
	}
	placed, err := bus.Define[placedFirst](nil, bus.EventType{Name: "placed", Topic: "orders", Version: 1}, func(p *placedFirst) string { return p.ID }, c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(placed.EventType().ContentType)
	// Output: application/avro
}
