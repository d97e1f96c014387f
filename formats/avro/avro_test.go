package avro_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/formats/avro"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

const record = `{"type": "record", "name": "Node", "namespace": "shop.v2", "fields": [
 {"name": "next", "type": ["null", "Node"], "default": null},
 {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
 {"name": "tags", "type": {"type": "map", "values": "long"}, "aliases": ["labels"]},
 {"name": "of", "type": ["string", "other.Thing", {"type": "fixed", "name": "Id", "size": 16}]},
 {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"], "default": "A"}}]}`

func TestRead(t *testing.T) {
	t.Parallel()
	f := doc.Read("node.avsc", []byte(record), nil)
	if !avro.Is(f.Docs[0].Root) {
		t.Fatal(f.Faults)
	}
	c, faults := avro.Read(f.Docs[0])
	if len(faults) > 0 || c.Name != "shop.v2.Node" || len(c.Types) != 1 {
		t.Fatalf("%v %+v", faults, c)
	}
	s := c.Types[0]
	if s.Versioned != "2" || s.Field("next").Shape.Name != "shop.v2.Node" || !s.Field("next").Shape.Nullable || !s.Field("next").Default {
		t.Errorf("%+v", s)
	}
	if p := s.Field("price"); p.Shape.Kind != contract.Bytes || p.Shape.Format != "decimal" || p.Pos.Line != 3 {
		t.Errorf("%+v", p)
	}
	if x := s.Field("tags"); x.Shape.Kind != contract.Map || x.Shape.Elem.Format != "long" || x.Aliases[0] != "labels" {
		t.Errorf("%+v", x)
	}
	if x := s.Field("of").Shape; x.Kind != contract.Choice || len(x.Of) != 3 || x.Of[1].Kind != contract.Any || x.Of[2].Name != "shop.v2.Id" {
		t.Errorf("%+v", x)
	}
	if k := s.Field("kind").Shape; k.Kind != contract.Enum || !k.Default || len(k.Values) != 2 {
		t.Errorf("%+v", k)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(record))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.avsc", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if avro.Is(d.Root) {
				c, _ := avro.Read(d)
				contract.Compare(c, c)
			}
		}
	})
}
