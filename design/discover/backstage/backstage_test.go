package backstage_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/backstage"
)

const catalogue = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: order}
spec: {type: service, owner: sales, system: shop, providesApis: [orders], dependsOn: [resource:orders-db]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec: {type: website, owner: user:ann, consumesApis: [orders]}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop}
spec: {owner: sales, domain: ordering}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders}
spec: {type: openapi, owner: sales, definition: {$text: ./api/openapi.yaml}}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: orders-db}
spec: {type: database, owner: sales}
`

func TestRelate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "catalog-info.yaml"), []byte(catalogue), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{backstage.New()}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := r.System
	if x := s.Services["order"]; x.Owner != "sales" || x.Context != "ordering" || x.Uses["store/orders-db#1"].Why != "depends on orders-db" {
		t.Errorf("%+v", x)
	}
	if x := s.Services["web"]; x.Owner != "" || x.Role != arch.RoleUI || x.Uses["service/order#1"].Why != "consumes orders" {
		t.Errorf("%+v", x)
	}
	if c := s.Contracts["orders"]; c.Provider != "service/order" || len(c.Consumers) != 1 || filepath.Base(c.File) != "openapi.yaml" || c.Kind != "openapi" {
		t.Errorf("%+v", c)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}
