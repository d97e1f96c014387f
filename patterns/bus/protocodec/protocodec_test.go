package protocodec_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
	"github.com/ashlar-dev/ashlar/patterns/bus/protocodec"
)

func TestCodecs(t *testing.T) {
	t.Parallel()
	in, err := structpb.NewStruct(map[string]any{"order": "42", "lines": []any{1.0, 2.0, nil}, "paid": true})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]bus.Codec{"binary": protocodec.Binary{}, "JSON": protocodec.JSON{}} {
		for form, v := range map[string]any{"message": in, "pointer to it": &in} {
			data, err := c.Marshal(v)
			if err != nil {
				t.Fatalf("%s of a %s: %v", name, form, err)
			}
			var fresh *structpb.Struct
			if err := c.Unmarshal(data, &fresh); err != nil || !proto.Equal(in, fresh) {
				t.Errorf("%s of a %s into a nil pointer: %v, %v", name, form, fresh, err)
			}
			out := &structpb.Struct{}
			if err := c.Unmarshal(data, out); err != nil || !proto.Equal(in, out) {
				t.Errorf("%s of a %s: %v, %v", name, form, out, err)
			}
		}
		var none *structpb.Struct
		for what, v := range map[string]any{"a nil message": none, "a pointer to one": &none, "a string": "x", "a pointer to a string": new(string), "a pointer to a struct": &struct{}{}, "nothing": nil} {
			if _, err := c.Marshal(v); err == nil {
				t.Errorf("%s: %s was written", name, what)
			}
		}
		for what, v := range map[string]any{"a string": "x", "a pointer to a string": new(string), "a pointer to a pointer": new(*string), "nothing": nil} {
			if err := c.Unmarshal([]byte("{}"), v); err == nil || !strings.Contains(err.Error(), "no Protocol Buffers message") {
				t.Errorf("%s: read into %s: %v", name, what, err)
			}
		}
		var out *structpb.Struct
		if err := c.Unmarshal([]byte("\x0a\xff{"), &out); err == nil {
			t.Errorf("%s: nonsense was read as %v", name, out)
		}
	}
}

func TestDefineRefusesASchema(t *testing.T) {
	t.Parallel()
	for _, et := range []bus.EventType{
		{Name: "n", Topic: "t", Version: 1, Schema: []byte("{}")},
		{Name: "n", Topic: "t", Version: 2, Earlier: []bus.EarlierVersion{{Version: 1, Schema: []byte("{}"), Up: func(d []byte) ([]byte, error) { return d, nil }}}},
	} {
		if _, err := protocodec.Define[*structpb.Struct](nil, et, nil); err == nil || !strings.Contains(err.Error(), "leave Schema out") {
			t.Errorf("%+v: %v", et, err)
		}
	}
}

// A JSON event on a topic of messages is refused by name, not read as one.
func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	et, err := protocodec.Define[*wrapperspb.StringValue](nil, bus.EventType{Name: "n", Topic: "t", Version: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []bus.Event{{ContentType: "application/json", Data: []byte("{}")}, {ContentType: "avro/binary"}, {Data: []byte("\x00\x00\x00\x00\x09\x00\x0a\x01x")}} {
		var refused *bus.EncodingError
		if _, err := et.Decode(&e); !errors.As(err, &refused) || refused.Want != "application/protobuf" {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

func FuzzBinary(f *testing.F) {
	f.Add([]byte("\x0a\x03\x0a\x01a"))
	f.Add([]byte("\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in, again *structpb.Struct
		c := protocodec.Binary{}
		if c.Unmarshal(data, &in) != nil {
			return
		}
		out, err := c.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := c.Marshal(&in)
		if err != nil || string(twice) != string(out) {
			t.Fatalf("%x, then %x, %v", out, twice, err)
		}
		if err := c.Unmarshal(out, &again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

func Example() {
	ctx := context.Background()
	b, err := bus.New(membus.New(nil), &bus.Options{Source: "/shop"})
	if err != nil {
		panic(err)
	}
	// Any generated message will do; this one comes with the library.
	renamed, err := protocodec.Define(nil, bus.EventType{Name: "shop.customer.renamed", Topic: "customers", Version: 1},
		func(m *wrapperspb.StringValue) string { return m.GetValue() })
	if err != nil {
		panic(err)
	}
	if err := b.Ensure(ctx, driver.Topic{Name: "customers"}); err != nil {
		panic(err)
	}
	done := make(chan struct{})
	h, err := bus.Routes(protocodec.On(renamed, func(_ context.Context, e bus.Event, m *wrapperspb.StringValue) error {
		fmt.Println(e.ContentType, m.GetValue())
		close(done)
		return nil
	}))
	if err != nil {
		panic(err)
	}
	if _, err := b.Subscribe(ctx, bus.Subscription{Topics: []string{"customers"}, Group: "mail"}, h); err != nil {
		panic(err)
	}
	if err := renamed.Publish(ctx, b, wrapperspb.String("Ada")); err != nil {
		panic(err)
	}
	<-done
	if err := b.Close(ctx); err != nil {
		panic(err)
	}
	// Output: application/protobuf Ada
}
