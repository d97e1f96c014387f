package split

import (
	"maps"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// homed gives functions outside types to the type of their package that they are
// about: the one that they return (NewCatalog, FindUser), else the one that they
// take (SaveUser). Languages with loose functions write methods like that, and a
// package of them would tie together all that the package holds. Functions about
// no type, or about several, stay with their package.
func homed(g *code.Graph) *code.Graph {
	var methods map[code.MethodID]code.Method
	for id, me := range g.Methods {
		home := g.Types[me.Type]
		if home.Kind != code.KindPackage {
			continue
		}
		to := only(g, home.Package, me.Results)
		if to == "" {
			to = only(g, home.Package, me.Params)
		}
		if to == "" {
			continue
		}
		if methods == nil {
			methods = maps.Clone(g.Methods)
		}
		me.Type = to
		methods[id] = me
	}
	if methods == nil {
		return g
	}
	out := *g
	out.Methods = methods
	return &out
}

// only is the one type of a package among some types, "" if there is none or more
// than one.
func only(g *code.Graph, pkg string, types []code.TypeID) code.TypeID {
	var found code.TypeID
	for _, id := range types {
		switch t := g.Types[id]; {
		case t.Package != pkg || t.Kind == code.KindPackage || id == found || id == "":
		case found != "":
			return ""
		default:
			found = id
		}
	}
	return found
}
