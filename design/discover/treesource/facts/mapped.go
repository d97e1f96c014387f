package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// otherEntity finds classes that are kept in tables: TypeORM, SQLAlchemy,
// Django, Entity Framework.
func (r *reader) otherEntity(t *link.Type) {
	if aside(t) || t.Unit.Kind == unit.Loose {
		return
	}
	e := &entity{kind: "sql", refs: map[string]*link.Type{}, fields: map[string]string{}, pos: lineOf(t, t.Unit.Line)}
	switch t.File.Lang {
	case "typescript":
		mark := t.Unit.Mark("Entity", "Table")
		if mark == nil {
			return
		}
		if e.table = r.text1(t, mark.Arg("value", "name", "tableName")); e.table == "" {
			e.table = snake(t.Unit.Name)
		}
	case "python":
		table := func() string {
			for i := range t.Unit.Fields {
				if f := &t.Unit.Fields[i]; f.Name == "__tablename__" && f.Init != nil {
					return r.text1(t, f.Init)
				}
			}
			return ""
		}()
		django := slices.ContainsFunc(t.Unit.Supers, func(s string) bool { return s == "models.Model" })
		if table == "" && !django {
			return
		}
		if e.table = table; table == "" {
			app := t.File.Package[:max(0, strings.LastIndexByte(t.File.Package, '/'))]
			app = strings.TrimSuffix(app, "/models")
			e.table = app[strings.LastIndexByte(app, '/')+1:] + "_" + strings.ToLower(t.Unit.Name)
		}
	case "csharp":
		mark := t.Unit.Mark("Table")
		if mark == nil {
			return // those of a context are found there
		}
		e.table = strings.ToLower(r.text1(t, mark.Arg("value")))
	}
	for i := range t.Unit.Fields {
		f := &t.Unit.Fields[i]
		column := f.Mark("Column", "PrimaryColumn", "PrimaryGeneratedColumn", "Key", "ManyToOne", "CreateDateColumn", "UpdateDateColumn") != nil || t.File.Lang == "csharp"
		if f.Init != nil && f.Init.Kind == unit.Call {
			switch n := unit.Last(f.Init.Text); {
			case n == "Column" || n == "mapped_column" || strings.HasSuffix(n, "Field"), n == "ForeignKey", n == "OneToOneField":
				column = true
			}
		}
		if column && !strings.HasPrefix(f.Name, "__") {
			e.columns = append(e.columns, strings.ToLower(f.Name))
			e.fields[f.Name] = strings.ToLower(f.Name)
		}
	}
	r.entities[t] = e
}

// sets are the entities that an Entity Framework context keeps.
func (r *reader) sets(t *link.Type) {
	if t.File.Lang != "csharp" || aside(t) || !r.Program.Descends(t, "DbContext", "IdentityDbContext") {
		return
	}
	for i := range t.Unit.Fields {
		f := &t.Unit.Fields[i]
		x := r.Program.Resolve(t, f.Type)
		if unit.Last(x.Name) != "DbSet" || len(x.Args) != 1 || x.Args[0].Type == nil {
			continue
		}
		of := x.Args[0].Type
		if r.entities[of] != nil {
			continue
		}
		e := &entity{kind: "sql", table: strings.ToLower(f.Name), refs: map[string]*link.Type{}, fields: map[string]string{}, pos: lineOf(of, of.Unit.Line)}
		for j := range of.Unit.Fields {
			n := of.Unit.Fields[j].Name
			e.columns = append(e.columns, strings.ToLower(n))
			e.fields[n] = strings.ToLower(n)
		}
		r.entities[of] = e
	}
}
