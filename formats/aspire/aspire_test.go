package aspire_test

import (
	"fmt"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/aspire"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

const manifest = `{
  "$schema": "https://json.schemastore.org/aspire-8.0.json",
  "resources": {
    "pg": {"type": "container.v0", "image": "postgres:16", "connectionString": "Host={pg.bindings.tcp.host};Password={pg-password.value}", "bindings": {"tcp": {"scheme": "tcp"}}},
    "catalogdb": {"type": "value.v0", "connectionString": "{pg.connectionString};Database=catalogdb"},
    "catalog": {"type": "project.v0", "path": "../Catalog.csproj", "env": {"ConnectionStrings__catalogdb": "{catalogdb.connectionString}", "X": "y"}, "bindings": {"http": {"scheme": "http"}}}
  }
}`

func TestRead(t *testing.T) {
	t.Parallel()
	d := doc.Read("m.json", []byte(manifest), nil).Docs[0]
	rs := aspire.Read(d)
	if !aspire.Is(d.Root) || len(rs) != 3 || !rs[2].Runs() || rs[1].Runs() || fmt.Sprint(rs[2].Uses[0].To, rs[2].Uses[0].Via, rs[1].Uses[0].To) != "catalogdbConnectionStrings__catalogdbpg" {
		t.Fatalf("%+v", rs)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(manifest))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.json", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if aspire.Is(d.Root) {
				aspire.Read(d)
			}
		}
	})
}
