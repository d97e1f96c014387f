package code

import (
	"cmp"
	"maps"
	"slices"
)

// Add joins another graph into g. Of two declarations of one thing the first
// stays; what is counted adds up.
func (g *Graph) Add(o Graph) {
	g.Modules = join(g.Modules, o.Modules)
	g.Types = join(g.Types, o.Types)
	g.Methods = join(g.Methods, o.Methods)
	g.Tables = join(g.Tables, o.Tables)
	g.Tx = join(g.Tx, o.Tx)
	g.Settings = join(g.Settings, o.Settings)
	g.Calls = append(g.Calls, o.Calls...)
	g.Entries = append(g.Entries, o.Entries...)
	g.Clients = append(g.Clients, o.Clients...)
	g.Access = append(g.Access, o.Access...)
	g.Changes = append(g.Changes, o.Changes...)
	g.Skipped = append(g.Skipped, o.Skipped...)
	g.Lines += o.Lines
	if len(o.Authors) > 0 && g.Authors == nil {
		g.Authors = map[string]map[TypeID]int{}
	}
	for a, types := range o.Authors {
		if g.Authors[a] == nil {
			g.Authors[a] = map[TypeID]int{}
		}
		for t, n := range types {
			g.Authors[a][t] += n
		}
	}
}

func join[K comparable, V any](a, b map[K]V) map[K]V {
	if a == nil {
		return maps.Clone(b)
	}
	for k, v := range b {
		if _, ok := a[k]; !ok {
			a[k] = v
		}
	}
	return a
}

// Sort puts every list into its canonical order, so that the order in which
// files were read leaves no trace.
func (g *Graph) Sort() {
	slices.SortFunc(g.Calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.From, b.From), comparePos(a.Pos, b.Pos), cmp.Compare(a.To, b.To))
	})
	slices.SortFunc(g.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), comparePos(a.Pos, b.Pos), cmp.Compare(a.Trigger, b.Trigger))
	})
	slices.SortFunc(g.Clients, func(a, b Client) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), comparePos(a.Pos, b.Pos), cmp.Compare(a.Target, b.Target))
	})
	slices.SortFunc(g.Access, func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), comparePos(a.Pos, b.Pos), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Mode, b.Mode))
	})
	slices.SortFunc(g.Changes, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(g.Skipped, func(a, b Skip) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Why, b.Why)) })
}

func comparePos(a, b Pos) int { return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Col-b.Col) }

// Empty reports whether no source was read.
func (g *Graph) Empty() bool { return g == nil || len(g.Types) == 0 && len(g.Methods) == 0 }
