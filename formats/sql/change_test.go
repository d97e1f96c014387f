package sql_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/sql"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"DROP TABLE IF EXISTS orders, lines CASCADE;", "drop table orders | drop table lines"},
		{"alter table orders drop column note;", "drop column orders.note"},
		{"ALTER TABLE orders DROP note, DROP CONSTRAINT x, ADD COLUMN y int", "drop column orders.note"},
		{`ALTER TABLE "orders" RENAME COLUMN a TO b; ALTER TABLE o RENAME TO p`, "rename column orders.a b | rename table o p"},
		{"RENAME TABLE a TO b", "rename table a b"},
		{"ALTER TABLE `o` CHANGE `a` `b` varchar(20)", "rename column o.a b"},
		{"ALTER TABLE o CHANGE a a varchar(20)", "change type o.a varchar"},
		{"ALTER TABLE o ALTER COLUMN a TYPE bigint, ALTER b SET NOT NULL, ALTER c SET DEFAULT 1", "change type o.a bigint | not null o.b"},
		{"ALTER TABLE o MODIFY COLUMN a bigint", "change type o.a bigint"},
		{"ALTER TABLE o ADD COLUMN a numeric(10,2) NOT NULL, ADD b int NOT NULL DEFAULT 0, ADD c int", "required column o.a"},
		{"ALTER TABLE o ADD COLUMN a int NULL", ""},
		{"TRUNCATE TABLE o", "truncate o"},
		{"DROP INDEX x; DROP VIEW y; CREATE TABLE z (a int)", ""},
		// What the text itself makes: a fresh schema, and SQLite's way to change a table.
		{"DROP TABLE IF EXISTS t; CREATE TABLE t (a int);", ""},
		{"CREATE TABLE t_new (a int); INSERT INTO t_new SELECT a FROM t; ALTER TABLE t_new RENAME TO t;", ""},
		{"-- drop table x\n/* drop table y */", ""},
		{"CREATE FUNCTION f() RETURNS void AS $$ BEGIN DROP TABLE tmp; END $$ LANGUAGE plpgsql; DROP TABLE o", "drop table o"},
	} {
		var got []string
		for _, x := range sql.Changes(c.text) {
			s := string(x.Kind) + " " + x.Table
			if x.Column != "" {
				s += "." + x.Column
			}
			if x.To != "" {
				s += " " + x.To
			}
			got = append(got, s)
		}
		if g := strings.Join(got, " | "); g != c.want {
			t.Errorf("%s\n%s\nwant\n%s", c.text, g, c.want)
		}
	}
}

func FuzzChanges(f *testing.F) {
	f.Add("ALTER TABLE o ADD (a int not null), drop b; rename table x to")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range sql.Changes(text) {
			if c.Table == "" || c.Offset < 0 || c.Offset > len(text) {
				t.Fatalf("%+v", c)
			}
		}
	})
}
