package backstage_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/formats/backstage"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

const sample = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: order, namespace: shop}
spec:
  type: service
  owner: user:default/ann
  system: sales
  dependsOn: [resource:orders-db, other, "Component:x/y"]
  providesApis: [orders]
  consumesApis: [default/stock]
`

func TestRead(t *testing.T) {
	t.Parallel()
	n := doc.Read("catalog-info.yaml", []byte(sample), nil).Docs[0].Root
	if !backstage.Is(n) {
		t.Fatal("not taken for an entity")
	}
	e := backstage.Read(n)
	if e.Self() != (backstage.Ref{Kind: "component", Namespace: "shop", Name: "order"}) || e.Owner != (backstage.Ref{Kind: "user", Namespace: "default", Name: "ann"}) || e.System.Namespace != "shop" {
		t.Errorf("%+v", e)
	}
	if len(e.DependsOn) != 3 || e.DependsOn[0] != (backstage.Ref{Kind: "resource", Namespace: "shop", Name: "orders-db"}) || e.DependsOn[2] != (backstage.Ref{Kind: "component", Namespace: "x", Name: "y"}) || e.Consumes[0].Namespace != "default" {
		t.Errorf("%+v", e.DependsOn)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if backstage.Is(d.Root) {
				_ = backstage.Read(d.Root).Self()
			}
		}
	})
}
