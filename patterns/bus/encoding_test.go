package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

type payload struct {
	N int `json:"n"`
}

func TestEncodingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	placed, err := bus.Define[payload](nil, bus.EventType{Name: "placed", Topic: "orders", Version: 1}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, contentType, data string
		encoding, says          string // "" is read
		id                      uint32
	}{
		{"JSON", "application/json; charset=utf-8", `{"n":1}`, "", "", 0},
		{"JSON of another vendor", "application/vnd.shop+json", `{"n":1}`, "", "", 0},
		{"no content type", "", `{"n":1}`, "", "", 0},
		{"one that nobody knows", "text/plain", `{"n":1}`, "", "", 0},
		{"Avro", "application/avro", "\x02", "Avro", "package bus/avrocodec", 0},
		{"Avro of CloudEvents", "Avro/Binary", "\x02", "Avro", "schema registry", 0},
		{"Avro's JSON", "application/vnd.apache.avro+json", `{"n":1}`, "Avro", "schema registry", 0},
		{"a message", "application/x-protobuf", "\x08\x01", "Protocol Buffers", "the codec reads application/json", 0},
		{"framed, without a word", "", "\x00\x00\x00\x01\x00\x02", "framed for a schema registry", "schema ID 256", 256},
		{"framed JSON", "application/json", "\x00\x00\x00\x00\x07{\"n\":1}", "framed for a schema registry", "takes the framing off", 7},
	} {
		_, err := placed.Decode(&bus.Event{Topic: "orders", Type: "placed", ContentType: tc.contentType, Data: []byte(tc.data)})
		if tc.encoding == "" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		var e *bus.EncodingError
		if !errors.As(err, &e) || e.Encoding != tc.encoding || e.SchemaID != tc.id || e.Topic != "orders" || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	var bad *bus.BadEventError
	if _, err := placed.Decode(&bus.Event{Topic: "orders", Type: "placed", Data: []byte{0, 1}}); !errors.As(err, &bad) {
		t.Errorf("too short to be framed: %v", err)
	}
}

// avroCodec stands for one that a program brings with it.
type avroCodec struct{ bus.JSON }

func (avroCodec) ContentType() string { return "application/avro" }

func TestAvroNeedsACodec(t *testing.T) {
	t.Parallel()
	declared := bus.EventType{Name: "placed", Topic: "orders", Version: 1, ContentType: "application/avro"}
	var e *bus.EncodingError
	if _, err := bus.Define[payload](nil, declared, nil, nil); !errors.As(err, &e) || e.Encoding != "Avro" || e.Want != "application/json" {
		t.Errorf("without a codec: %v", err)
	}
	placed, err := bus.Define[payload](nil, declared, nil, avroCodec{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := placed.Decode(&bus.Event{Topic: "orders", Type: "placed", ContentType: "application/avro", Data: []byte(`{"n":3}`)}); err != nil || v.N != 3 {
		t.Errorf("with one: %+v, %v", v, err)
	}
}

// An encoding that cannot be read does not become readable by waiting: one try,
// then the dead letter, which says what to do.
func TestAvroBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if err := b.Ensure(t.Context(), driver.Topic{Name: "orders", Groups: []string{"billing"}}); err != nil {
		t.Fatal(err)
	}
	placed, err := bus.Define[payload](nil, bus.EventType{Name: "placed", Topic: "orders", Version: 1}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	handled := make(chan int, 2)
	h, err := bus.Routes(bus.On(placed, func(_ context.Context, _ bus.Event, o *payload) error { handled <- o.N; return nil }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{"orders"}, Group: "billing"}, h); err != nil {
		t.Fatal(err)
	}
	alien := bus.Event{Topic: "orders", Key: "1", Type: "placed", ContentType: "application/avro", Data: []byte("\x02")}
	good, err := placed.Event(&payload{N: 2})
	if err != nil {
		t.Fatal(err)
	}
	good.Key = "1" // behind the other
	if err := b.Publish(t.Context(), alien, good); err != nil {
		t.Fatal(err)
	}
	if n := <-handled; n != 2 {
		t.Errorf("handled %d", n)
	}
	ls, err := b.DeadLetters("billing.dead-letters").List(t.Context(), nil)
	if err != nil || len(ls) != 1 || ls[0].Tries != 1 || !strings.Contains(ls[0].Error, "is Avro (application/avro)") {
		t.Errorf("dead letters: %+v, %v", ls, err)
	}
}
