package graphql_test

import (
	"errors"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/graphql"
)

const schema = `
schema { query: Root }
type Root { order(id: ID!, deep: Boolean = false): Order }
extend type Root { orders: [Order!]! _service: String }
type Order @key(fields: "id") { id: ID! price: Float parent: Order of: Thing }
union Thing = Order | Unknown
`

func TestRead(t *testing.T) {
	t.Parallel()
	c, err := graphql.Read("order/schema.graphqls", []byte(schema))
	if err != nil || len(c.Operations) != 2 || c.Name != "schema" {
		t.Fatalf("%v %+v", err, c)
	}
	o := c.Operations[0]
	if o.Key != "query order" || o.Trigger != "graphql query order" || !o.Parts[0].Required || o.Parts[1].Required || o.Pos.Line != 3 {
		t.Errorf("%+v", o)
	}
	order := c.Operations[1].Parts[0].Shape.Elem
	if order.Name != "Order" || order.Field("parent").Shape.Of[0] != order || order.Field("price").Shape.Kind != contract.Number {
		t.Errorf("%+v", order)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var fault *doc.Fault
	if _, err := graphql.Read("x.graphql", []byte("type A {\n  b: \n}")); !errors.As(err, &fault) || fault.Pos.Line != 3 {
		t.Errorf("%v", err)
	}
	if _, err := graphql.Read("x.graphql", []byte("# nothing")); !errors.Is(err, graphql.ErrNone) {
		t.Errorf("%v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(schema))
	f.Fuzz(func(_ *testing.T, src []byte) {
		if c, err := graphql.Read("f.graphql", src); err == nil {
			contract.Compare(c, c)
		}
	})
}
