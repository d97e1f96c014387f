package view

import (
	"cmp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// DataOwnership shows which service reads and writes which table of which store,
// who owns it, and the foreign keys that tie tables together. A store whose
// tables nobody knows is one node.
func DataOwnership(s arch.System, o *Options) Graph {
	b := newBuilder(KindData, s, o)
	for _, name := range arch.Sorted(s.Services) {
		r, svc := arch.NewRef(arch.KindService, name), s.Services[name]
		b.node(Node{Ref: r, Kind: Service, Role: svc.Role, Detail: cmp.Or(svc.Context, svc.Owner), Context: svc.Context, Team: svc.Owner, Facts: b.serviceFacts(r, svc)})
	}
	for _, name := range arch.Sorted(s.Stores) {
		b.tables(name, s.Stores[name])
	}
	for _, name := range arch.Sorted(s.Stores) {
		b.foreignKeys(name, s.Stores[name])
	}
	for _, e := range s.Edges() {
		switch k := callKind(e.Call); k {
		case Read, Write, Use:
			b.wholeStore(e.Call.To)
			b.call(e)
		}
	}
	b.foldAccess()
	b.owners()
	b.onlyConnected()
	return b.graph()
}

func (b *builder) tables(name string, st arch.Store) {
	r := arch.NewRef(arch.KindStore, name)
	if len(st.Tables) == 0 {
		n := b.node(Node{Ref: r, Kind: Store, Detail: st.Kind, Facts: b.storeFacts(r, st)})
		if isCache(st.Kind) {
			n.Role = "cache"
		}
		return
	}
	label := strings.TrimSuffix(name+" · "+st.Kind, " · ")
	if st.Owner != "" {
		label += " · owned by " + st.Owner.Short()
	}
	group := b.group(Group{ID: string(r), Ref: r, Kind: "store", Label: label})
	for _, t := range arch.Sorted(st.Tables) {
		tr, tb := arch.NewRef(arch.KindTable, name, t), st.Tables[t]
		detail := ""
		if tb.Owner != "" && tb.Owner != st.Owner {
			detail = "owned by " + tb.Owner.Short()
		}
		b.node(Node{Ref: tr, Kind: Table, Label: t, Detail: detail, Group: group, Facts: append(known(Fact{"store", name}, Fact{"owner", cmp.Or(tb.Owner, st.Owner).Short()},
			Fact{"columns", list(tb.Columns, 12)}), b.where(tr)...)})
	}
}

func (b *builder) foreignKeys(name string, st arch.Store) {
	for _, t := range arch.Sorted(st.Tables) {
		for _, columns := range arch.Sorted(st.Tables[t].ForeignKeys) {
			b.wholeStore(st.Tables[t].ForeignKeys[columns])
			if e := b.edge(arch.NewRef(arch.KindTable, name, t), st.Tables[t].ForeignKeys[columns], Reference); e != nil {
				b.say(e, "columns", columns)
			}
		}
	}
}

// wholeStore makes a node for what is used without its table being known, or
// without being described.
func (b *builder) wholeStore(r arch.Ref) {
	if b.nodes[r] != nil {
		return
	}
	st, ok := b.s.Stores[r.Name()]
	n := Node{Ref: r, Kind: nodeKind(r), Missing: !ok || r.Kind() == arch.KindTable, Group: string(r.Parent())}
	if r.Kind() == arch.KindStore && ok {
		n.Label, n.Detail = "tables not known", st.Kind
	}
	if _, ok := b.groups[n.Group]; !ok {
		n.Group, n.Label = "", ""
	}
	if r.Kind() == arch.KindTable && n.Group != "" {
		n.Label = r.Member()
	}
	b.node(n)
}

// owners says on each store that nobody is seen to use whose it is.
func (b *builder) owners() {
	used := map[arch.Ref]bool{}
	for k := range b.edges {
		used[k.to] = true
	}
	for _, name := range arch.Sorted(b.s.Stores) {
		r, owner := arch.NewRef(arch.KindStore, name), b.s.Stores[name].Owner
		if n := b.nodes[r]; n != nil && !used[r] && owner != "" && b.nodes[owner] != nil {
			b.say(b.edge(owner, r, Use), "owner", owner.Short())
		}
	}
}
