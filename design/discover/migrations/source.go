// Package migrations discovers the scripts that change databases from release to
// release: Flyway's, golang-migrate's, goose's, dbmate's, Liquibase's formatted
// SQL, and plain numbered scripts in a folder of migrations. It claims nothing
// about the architecture; its documents hold [Script]s for rules of the review.
// Migrations that are programs (Alembic, Rails, Entity Framework) are not read.
//
// Tried on benbjohnson/wtf@05bc90c sqlite/migration.
package migrations

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// Name of the source.
const Name = "migrations"

// maxBytes: what is larger is a dump.
const maxBytes = 1 << 20

// Script is one migration, forward.
type Script struct {
	Path, Dir string
	Version   []int // of its name: V2.1__x.sql is 2, 1
	Changes   []Change
	Columns   []Column // of tables that it makes or adds to
}

// Change is what it takes from programs of before, with its place.
type Change struct {
	sql.Change
	Line, Col int
}

// Column is a column that it makes.
type Column struct {
	Table, Name, Type string
	Line, Col         int
}

// Source reads migrations.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

var (
	numbered = regexp.MustCompile(`^[Vv]?(\d[\d._]*?)(?:__?|-|\.)\D`)
	folder   = regexp.MustCompile(`(?i)(^|/)(db|sql|flyway|liquibase)?[-_]?(migrations?|migrate|changelogs?|changesets?)(/|$)`)
	undo     = regexp.MustCompile(`(?i)(\.|_|/)(down|undo|rollback|revert)(\.|_|/)`)
	backward = regexp.MustCompile(`(?mi)^--\s*(\+goose\s+down|\+migrate\s+down|migrate:down|rollback)\b`)
)

// Match takes numbered scripts in a folder of migrations, but for those that go
// back.
func (*Source) Match(h discover.Head) bool {
	return h.Ext == ".sql" && h.Size <= maxBytes && numbered.MatchString(h.Base) && !undo.MatchString(h.Path) &&
		(folder.MatchString(path.Dir(h.Path)) || strings.HasPrefix(h.Base, "V") && strings.Contains(h.Base, "__"))
}

// Read puts out the script.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	out.Document(discover.Document{Kind: "migration", Name: in.Path, Value: Parse(in.Path, src)})
	return nil
}

// Parse reads a script as far as it goes forward.
func Parse(file string, src []byte) *Script {
	s := &Script{Path: file, Dir: path.Dir(file), Version: version(path.Base(file))}
	if m := backward.FindIndex(src); m != nil {
		src = src[:m[0]]
	}
	text := string(src)
	for _, c := range sql.Changes(text) {
		line, col := at(src, c.Offset)
		s.Changes = append(s.Changes, Change{c, line, col})
	}
	for _, st := range sql.Parse(text) {
		for _, d := range st.Defines {
			for _, c := range d.Columns {
				line, col := at(src, st.Offset)
				s.Columns = append(s.Columns, Column{d.Table, c.Name, c.Type, line, col})
			}
		}
	}
	return s
}

func at(src []byte, offset int) (line, col int) {
	return 1 + bytes.Count(src[:offset], []byte("\n")), offset - bytes.LastIndexByte(src[:offset], '\n')
}

func version(base string) []int {
	m := numbered.FindStringSubmatch(base)
	if m == nil {
		return nil
	}
	var out []int
	for f := range strings.FieldsFuncSeq(m[1], func(r rune) bool { return r == '.' || r == '_' }) {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil // a number that no program has
		}
		out = append(out, n)
	}
	return out
}

// Before reports whether a comes before b among the scripts of one folder.
func Before(a, b *Script) bool {
	if c := slices.Compare(a.Version, b.Version); c != 0 {
		return c < 0
	}
	return a.Path < b.Path
}

var _ discover.Source = (*Source)(nil)
