package gosource

import (
	"go/ast"
	"go/constant"
	"go/types"
	"reflect"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// finishers are gorm's methods that run something.
var finishers = map[string]sql.Mode{"Create": sql.Write, "CreateInBatches": sql.Write, "Save": sql.Write, "Update": sql.Write, "Updates": sql.Write, "UpdateColumn": sql.Write, "UpdateColumns": sql.Write, "Delete": sql.Write, "FirstOrCreate": sql.Write,
	"First": sql.Read, "Take": sql.Read, "Last": sql.Read, "Find": sql.Read, "FirstOrInit": sql.Read, "Count": sql.Read, "Pluck": sql.Read, "Scan": sql.Read, "Rows": sql.Read, "Row": sql.Read, "FindInBatches": sql.Read}

// gorm reads what runs through gorm's handle.
func (f *fn) gorm(e *ast.CallExpr, o *types.Func) bool {
	pkg, name := pkgPath(o), o.Name()
	if pkg != "gorm.io/gorm" && pkg != "github.com/jinzhu/gorm" {
		return false
	}
	if name == "Open" && len(e.Args) > 0 {
		f.gormOpen(e)
		return true
	}
	if (name == "Raw" || name == "Exec") && len(e.Args) > 0 {
		f.statement(e, f.text(e.Args[0]), true)
		return true
	}
	mode, ok := finishers[name]
	if !ok {
		return true
	}
	r := row{Method: f.id, Mode: string(mode), Pos: f.position(e.Pos()), Tx: f.tx(e.Pos())}
	if name != "Count" && name != "Pluck" && name != "Update" && name != "UpdateColumn" && len(e.Args) > 0 {
		r.Type = typeID(f.info.TypeOf(e.Args[0]))
	}
	raw := false
	f.chain(e, func(c *ast.CallExpr, name string) {
		switch name {
		case "Model":
			r.Type = typeID(f.info.TypeOf(c.Args[0]))
		case "Table":
			r.Table = f.text(c.Args[0])
		case "Joins", "Preload":
			r.Joins = append(r.Joins, f.text(c.Args[0]))
		case "Raw":
			raw = true // the statement itself is read where it stands
		}
	})
	if (r.Type != "" || r.Table != "") && !raw {
		f.sum.Rows = append(f.sum.Rows, r)
	}
	return true
}

// chain visits the calls before a method of a chain, also those that a variable
// holds.
func (f *fn) chain(e *ast.CallExpr, visit func(c *ast.CallExpr, name string)) {
	for range 40 {
		s, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr)
		if !ok {
			return
		}
		x := ast.Unparen(s.X)
		c, ok := x.(*ast.CallExpr)
		if !ok {
			o := f.object(x)
			if o == nil {
				return
			}
			for _, d := range f.defs[o] {
				if y, is := ast.Unparen(d.expr).(*ast.CallExpr); is && y != e && y.Pos() < e.Pos() {
					c, ok = y, true
				}
			}
			if !ok {
				return
			}
		}
		if len(c.Args) > 0 {
			visit(c, calledName(c))
		}
		e = c
	}
}

// gormOpen: gorm.Open(postgres.Open(dsn), …)
func (f *fn) gormOpen(e *ast.CallExpr) {
	driver, dsn := "", sql.Hole
	if c, ok := ast.Unparen(e.Args[0]).(*ast.CallExpr); ok && len(c.Args) > 0 {
		dsn = f.text(c.Args[0])
		if s, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				driver = x.Name
			}
		}
	} else if len(e.Args) > 1 {
		driver, dsn = f.text(e.Args[0]), f.text(e.Args[1])
	}
	f.sum.Clients = append(f.sum.Clients, client{Client: code.Client{Method: f.id, Kind: "sql", Target: dsn, Verb: driver, Pos: f.position(e.Pos())}})
}

// entity describes a type that gorm may keep; whether it does, its uses tell.
func (w *walker) entity(n *types.Named, s *types.Struct, pos code.Pos) (entity, bool) {
	e := entity{Type: typeID(n), Pos: pos}
	tagged := false
	for i := range s.NumFields() {
		v := s.Field(i)
		tag := reflect.StructTag(s.Tag(i))
		g, has := tag.Lookup("gorm")
		tagged = tagged || has
		if v.Embedded() {
			if en := named(v.Type()); en != nil && en.Obj().Name() == "Model" {
				tagged = true
				for _, c := range []string{"id", "created_at", "updated_at", "deleted_at"} {
					e.Fields = append(e.Fields, entityField{Name: c, Column: c})
				}
			}
			continue
		}
		if !v.Exported() || g == "-" {
			continue
		}
		x := entityField{Name: v.Name(), Column: snake(v.Name()), Key: option(g, "foreignKey")}
		if c := option(g, "column"); c != "" {
			x.Column = c
		}
		if _, many := v.Type().Underlying().(*types.Slice); many {
			x.Many = true
		}
		if en := named(elem(v.Type())); en != nil && w.w.pkgs[pkgOf(en.Obj())] != nil {
			if _, st := en.Underlying().(*types.Struct); st {
				x.To = typeID(en)
			}
		}
		e.Fields = append(e.Fields, x)
	}
	return e, tagged
}

func elem(t types.Type) types.Type {
	if s, ok := t.Underlying().(*types.Slice); ok {
		return s.Elem()
	}
	return t
}

// option is a setting in gorm's tag: "column:id;foreignKey:OrderID".
func option(tag, name string) string {
	for _, p := range strings.Split(tag, ";") {
		k, v, _ := strings.Cut(p, ":")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// snake writes a name as gorm's columns are: OrderID is order_id.
func snake(s string) string {
	var b strings.Builder
	rs := []rune(s)
	for i, r := range rs {
		if unicode.IsUpper(r) {
			if i > 0 && (!unicode.IsUpper(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1])) {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plural is the table's name by gorm's custom.
func plural(s string) string {
	switch {
	case strings.HasSuffix(s, "y") && len(s) > 1 && !strings.ContainsAny(s[len(s)-2:len(s)-1], "aeiou"):
		return s[:len(s)-1] + "ies"
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"), strings.HasSuffix(s, "sh"):
		return s + "es"
	case strings.HasSuffix(s, "news"), strings.HasSuffix(s, "data"), strings.HasSuffix(s, "info"):
		return s
	}
	return s + "s"
}

// tableName reads func (T) TableName() string { return "x" }.
func (w *walker) tableName(d *ast.FuncDecl) string {
	if d.Name.Name != "TableName" || d.Body == nil || len(d.Body.List) != 1 {
		return ""
	}
	r, ok := d.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return ""
	}
	if tv, ok := w.info.Types[r.Results[0]]; ok && tv.Value != nil && tv.Value.Kind() == constant.String {
		return constant.StringVal(tv.Value)
	}
	return ""
}
