package facts

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// mongo are the methods of a collection in MongoDB's drivers, without case and
// underscores.
var mongo = map[string]string{
	"find": read, "findone": read, "aggregate": read, "distinct": read, "count": read, "countdocuments": read, "estimateddocumentcount": read, "watch": read,
	"insertone": write, "insertmany": write, "insert": write, "updateone": write, "updatemany": write, "update": write, "replaceone": write, "deleteone": write, "deletemany": write, "remove": write,
	"findoneandupdate": write, "findoneandreplace": write, "findoneanddelete": write, "findandmodify": write, "bulkwrite": write, "save": write,
}

// collection notes the variables of a file that hold collections:
// orders = db.collection("orders"), wherever they are set.
func (r *reader) collection(t *link.Type) {
	if aside(t) || t.File.Lang != "typescript" && t.File.Lang != "python" {
		return
	}
	keep := func(name string, e *unit.Expr) {
		if c := findCall(e, "collection", "get_collection"); c != nil && len(c.Args) > 0 && c.Args[0].Kind == unit.Str {
			r.collections[t.File.Path+" "+name] = c.Args[0].Text
		}
	}
	for i := range t.Unit.Fields {
		keep(t.Unit.Fields[i].Name, t.Unit.Fields[i].Init)
	}
	for _, m := range t.Methods {
		unit.Each(m.Unit.Body, func(e *unit.Expr) {
			if e.Kind == unit.Assign && e.X != nil && len(e.Args) > 0 {
				keep(e.X.Text, &e.Args[0])
			}
		})
	}
}

// document notes an access of a collection of MongoDB.
func (r *reader) document(s *link.Site, tx string) bool {
	mode := mongo[strings.ToLower(strings.ReplaceAll(s.Call.Text, "_", ""))]
	x := s.Call.X
	if mode == "" || x == nil || s.Recv.Type != nil {
		return false
	}
	name := ""
	switch x.Kind {
	case unit.Name, unit.Member:
		name = r.collections[s.In.Type.File.Path+" "+x.Text]
		if v := s.Scope.Var(x.Text); v != nil && v.Init != nil {
			if c := findCall(v.Init, "collection", "get_collection"); c != nil && len(c.Args) > 0 {
				name = r.Program.Text(s.Scope, &c.Args[0]).S
			}
		}
	case unit.Call:
		if x.Text == "collection" || x.Text == "get_collection" {
			name = r.arg(&link.Site{In: s.In, Call: x, Scope: s.Scope}, 0).S
		}
	}
	if name == "" || strings.Contains(name, "{") {
		return false
	}
	r.note(code.Access{Method: s.In.ID, Table: r.tableRef(s.In.Type, name, "mongodb"), Mode: mode, Pos: pos(s), Tx: tx})
	return true
}
