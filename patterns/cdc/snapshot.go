package cdc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// published is a table of the publication, with what of it is published.
type published struct {
	schema, table string
	columns       []string
	filter        string // SQL; empty: all rows
	key           map[string]bool
}

// snapshot makes the slot anew and hands the sink all rows as of the very
// point in the log from which the slot will stream.
func (s *Stream) snapshot(ctx context.Context, control *pgx.Conn, repl *pgconn.PgConn) (pos Position, err error) {
	s.snapshots.Add(1)
	if err := s.dropSlot(ctx, control); err != nil {
		return pos, fmt.Errorf("cdc: drop slot %s: %w", s.o.Slot, err)
	}
	created, err := repl.Exec(ctx, fmt.Sprintf(`CREATE_REPLICATION_SLOT %s LOGICAL pgoutput EXPORT_SNAPSHOT`, s.o.Slot)).ReadAll()
	if err != nil {
		return pos, &SetupError{What: "slot " + s.o.Slot, Err: err, Hint: "the user needs the REPLICATION attribute, the server a free slot (max_replication_slots)"}
	}
	row := created[0].Rows[0] // slot_name, consistent_point, snapshot_name, output_plugin
	if pos.LSN, err = ParseLSN(string(row[1])); err != nil {
		return pos, err
	}
	reader, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return pos, fmt.Errorf("cdc: snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, closeQuietly(reader.PgConn())) }()
	if err := s.readTables(ctx, reader, string(row[2])); err != nil {
		return pos, fmt.Errorf("cdc: snapshot: %w", err)
	}
	// Only now may the sink resume by streaming.
	return pos, s.apply(ctx, Batch{Position: pos})
}

func (s *Stream) readTables(ctx context.Context, conn *pgx.Conn, snapshot string) error {
	if _, err := conn.PgConn().Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '`+snapshot+`'`).ReadAll(); err != nil {
		return err
	}
	tables, err := s.publishedTables(ctx, conn)
	if err != nil {
		return err
	}
	if err := s.apply(ctx, Batch{Reset: true}); err != nil {
		return err
	}
	for _, t := range tables {
		if err := s.readTable(ctx, conn.PgConn(), t); err != nil {
			return fmt.Errorf("%s.%s: %w", t.schema, t.table, err)
		}
	}
	return nil
}

// publishedTables honours what the stream will honour: column lists, row
// filters (PostgreSQL 15) and the absence of generated columns.
func (s *Stream) publishedTables(ctx context.Context, conn *pgx.Conn) ([]published, error) {
	limits := `(SELECT array_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), NULL::text`
	if serverVersion(conn) >= 15 {
		limits = `p.attnames, p.rowfilter`
	}
	rows, err := conn.Query(ctx, `
		SELECT p.schemaname, p.tablename, coalesce(p.rowfilter, ''),
			array_agg(a.attname ORDER BY a.attnum), array_agg(coalesce(a.attnum = ANY(i.indkey) OR c.relreplident = 'f', false) ORDER BY a.attnum)
		FROM (SELECT p.schemaname, p.tablename, c.oid, `+limits+` FROM pg_publication_tables p
			JOIN pg_namespace n ON n.nspname = p.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
			WHERE p.pubname = $1) p (schemaname, tablename, oid, attnames, rowfilter)
		JOIN pg_class c ON c.oid = p.oid
		JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname = ANY(p.attnames)
		LEFT JOIN pg_index i ON i.indrelid = p.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident WHEN 'd' THEN i.indisprimary ELSE false END
		GROUP BY 1, 2, 3 ORDER BY 1, 2`, s.o.Publication)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t published, err error) {
		var keys []bool
		err = row.Scan(&t.schema, &t.table, &t.filter, &t.columns, &keys)
		t.key = map[string]bool{}
		for i, k := range keys {
			t.key[t.columns[i]] = k
		}
		return t, err
	})
}

// serverVersion is the major version, from "15.14 (Debian …)".
func serverVersion(conn *pgx.Conn) (major int) {
	_, _ = fmt.Sscanf(conn.PgConn().ParameterStatus("server_version"), "%d", &major) // 0 if it cannot be read
	return major
}

func (s *Stream) readTable(ctx context.Context, conn *pgconn.PgConn, t published) error {
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	query := fmt.Sprintf(`DECLARE ashlar_cdc NO SCROLL CURSOR FOR SELECT %s FROM %s`, strings.Join(quoted, ", "), pgx.Identifier{t.schema, t.table}.Sanitize())
	if t.filter != "" {
		query += " WHERE " + t.filter
	}
	if _, err := conn.Exec(ctx, query).ReadAll(); err != nil {
		return err
	}
	for {
		results, err := conn.Exec(ctx, fmt.Sprintf(`FETCH %d FROM ashlar_cdc`, s.o.Batch)).ReadAll()
		if err != nil {
			return err
		}
		if len(results[0].Rows) == 0 {
			break
		}
		batch := Batch{Changes: make([]Change, 0, len(results[0].Rows))}
		for _, values := range results[0].Rows {
			row := make(Row, len(values))
			for i, v := range values {
				f := results[0].FieldDescriptions[i]
				row[i] = Column{Name: f.Name, OID: f.DataTypeOID, Key: t.key[f.Name], Null: v == nil, Text: string(v)}
			}
			batch.Changes = append(batch.Changes, Change{Kind: Read, Schema: t.schema, Table: t.table, New: row})
		}
		if err := s.apply(ctx, batch); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, `CLOSE ashlar_cdc`).ReadAll()
	return err
}
