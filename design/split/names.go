package split

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// typeName is a type's plain name; a package's loose functions have its last segment.
func typeName(g *code.Graph, id code.TypeID) string {
	if n := g.Types[id].Name; n != "" {
		return n
	}
	s := string(id)
	if i := strings.LastIndexAny(s, "./"); i >= 0 && i+1 < len(s) {
		return s[i+1:]
	}
	return s
}

// tableName is a table's name without its store.
func tableName(r arch.Ref) string {
	if m := r.Member(); m != "" {
		return m
	}
	return r.Name()
}
