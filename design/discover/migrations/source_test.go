package migrations_test

import (
	"path"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/migrations"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"order/src/main/resources/db/migration/V2__drop.sql": true,
		"order/src/main/resources/db/migration/U2__drop.sql": false,
		"order/migrations/000002_drop.up.sql":                true,
		"order/migrations/000002_drop.down.sql":              false,
		"order/migrations/20240102030405_drop.sql":           true,
		"sqlite/migration/0000000000.sql":                    true,
		"order/V1.2__x.sql":                                  true,
		"order/schema.sql":                                   false,
		"order/migrations/readme.sql":                        false,
		"queries/001_report.sql":                             false,
	} {
		if got := migrations.New().Match(discover.Head{Path: p, Base: path.Base(p), Ext: path.Ext(p)}); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	s := migrations.Parse("db/migrations/12_a.sql", []byte("-- +goose Up\nALTER TABLE o ADD price double precision;\nALTER TABLE o DROP COLUMN note;\n-- +goose Down\nDROP TABLE o;\n"))
	if len(s.Changes) != 1 || s.Changes[0].Column != "note" || s.Changes[0].Line != 3 || s.Changes[0].Col != 1 {
		t.Errorf("%+v", s.Changes)
	}
	if len(s.Columns) != 1 || s.Columns[0].Type != "double" {
		t.Errorf("%+v", s.Columns)
	}
	if o := migrations.Parse("db/migrations/9_a.sql", nil); !migrations.Before(o, s) || migrations.Before(s, o) {
		t.Error("9 comes before 12")
	}
}
