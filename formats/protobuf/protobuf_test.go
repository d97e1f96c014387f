package protobuf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/protobuf"
)

const orders = `syntax = "proto3";
package shop.v1;
import "common/money.proto";
import "lost/other.proto";
import "google/protobuf/timestamp.proto";
service Orders { rpc Place(Order) returns (stream Order.Line); }
message Order {
  message Line { string sku = 1; common.Money price = 2; }
  repeated Line lines = 1;
  map<string, Line> bySku = 2;
  google.protobuf.Timestamp at = 3;
  lost.Thing thing = 4;
  optional double total = 5;
  oneof pay { string card = 6; }
  reserved 9, 12 to 14; reserved "old";
}
`

const money = `syntax = "proto2";
package common;
message Money { required string currency = 1; optional int64 units = 2; }
`

func parse(t *testing.T, name, src string) *protobuf.File {
	t.Helper()
	f, err := protobuf.Parse(name, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLink(t *testing.T) {
	t.Parallel()
	cs, faults := protobuf.Link([]*protobuf.File{parse(t, "a/orders.proto", orders), parse(t, "lib/common/money.proto", money)})
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "a/orders.proto:4:1: the import lost/other.proto") {
		t.Fatalf("%v", faults)
	}
	c := cs[0]
	if c.Name != "shop.v1" || c.Version != "1" || len(c.Types) != 2 || len(c.Operations) != 1 {
		t.Fatalf("%+v", c)
	}
	o := c.Operations[0]
	if o.Trigger != "grpc shop.v1.Orders/Place" || o.Stream != "out" || o.Pos.Line != 6 || o.Parts[1].Shape.Name != "shop.v1.Order.Line" {
		t.Errorf("%+v", o)
	}
	order := c.Types[0]
	line := order.Field("lines").Shape.Elem
	if line.Field("price").Shape.Name != "common.Money" || !line.Field("price").Shape.Field("currency").Required || order.Field("bySku").Shape.Kind != contract.Map || order.Field("bySku").Shape.Elem != line {
		t.Errorf("%+v", line)
	}
	if order.Field("thing").Shape.Kind != contract.Any || order.Field("total").Shape.Format != "double" || order.Field("total").Group != "" || order.Field("card").Group != "pay" {
		t.Errorf("%+v", order)
	}
	if len(order.Reserved) != 2 || order.Reserved[1] != (contract.Range{From: 12, To: 14}) || order.Gone[0] != "old" {
		t.Errorf("%+v %v", order.Reserved, order.Gone)
	}
}

// A name that nobody defines is a fault where no import is missing; what can be
// read of a broken file counts.
func TestFaults(t *testing.T) {
	t.Parallel()
	_, faults := protobuf.Link([]*protobuf.File{parse(t, "a.proto", "syntax = \"proto3\";\nmessage A { B b = 1; }\n")})
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "a.proto:2:13: there is no type B") {
		t.Errorf("%v", faults)
	}
	f := parse(t, "b.proto", "syntax = \"proto3\";\nmessage A { string a = ; }\nmessage B { string b = 1; }\n")
	if len(f.Faults) == 0 || f.Faults[0].Pos.Line != 2 {
		t.Errorf("%v", f.Faults)
	}
}

// The demos of Google (boutique) and OpenTelemetry.
func TestPublic(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is not set: no public proto file was read")
	}
	for name, want := range map[string]int{"boutique/protos/demo.proto": 9, "otel-demo/pb/demo.proto": 10} {
		src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		f := parse(t, name, string(src))
		_, faults := protobuf.Link([]*protobuf.File{f})
		if len(f.Services) != want || len(faults)+len(f.Faults) > 0 {
			t.Errorf("%s: %d services %v %v", name, len(f.Services), faults, f.Faults)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(orders))
	f.Add([]byte(money))
	f.Fuzz(func(_ *testing.T, src []byte) {
		if p, err := protobuf.Parse("f.proto", src); err == nil {
			cs, _ := protobuf.Link([]*protobuf.File{p})
			contract.Compare(cs[0], cs[0])
		}
	})
}
