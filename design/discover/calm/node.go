package calm

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/blueprint"
	"github.com/ashlar-dev/ashlar/formats/calm"
)

// opaque IDs are made by programs and say nothing to people.
var opaque = regexp.MustCompile(`(?i)^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|(node|n|id|service|svc)?[-_]?\d+|[0-9a-f]{16,})$`)

func (m *mapping) box(n calm.Node, at arch.Source, i int) blueprint.Box {
	x := blueprint.Box{ID: n.ID, Name: n.ID, Shown: n.Name, Inside: m.inside[n.ID], Words: []string{n.Type}, At: at, Owner: team(n.Metadata)}
	if opaque.MatchString(n.ID) && n.Name != "" {
		x.Name, x.Shown = n.Name, ""
	}
	x.Kind = m.kind(n)
	if ref, ok := own(n.ID); ok {
		x.Ref, x.Shown, x.Words = ref, "", nil
		x.Role, x.Lang, x.Context = text(n.Metadata["role"]), text(n.Metadata["language"]), text(n.Metadata["context"])
		x.Product = cmp.Or(text(n.Metadata["kind"]), text(n.Metadata["broker"]))
		if hosts := text(n.Metadata["hosts"]); hosts != "" {
			x.Hosts = strings.Split(hosts, ", ")
		}
		x.Named = n.Metadata["missing"] == true
	}
	if group, ok := strings.CutPrefix(n.ID, "group/context/"); ok {
		x.Name, x.Context = group, group
	}
	for j, f := range n.Interfaces {
		m.iface(&x, f, i, j)
	}
	if x.Kind == blueprint.External && x.Host == "" && x.Ref != "" {
		x.Host = text(n.Metadata["host"])
	}
	return x
}

// own recognises the IDs that ashlar diagram writes.
func own(id string) (arch.Ref, bool) {
	ref, err := arch.ParseRef(id)
	if err != nil {
		return "", false
	}
	switch ref.Kind() {
	case arch.KindService, arch.KindStore, arch.KindTopic, arch.KindGateway, arch.KindExternal:
		return ref, true
	}
	return "", false
}

// foreign are types of systems that somebody else runs.
var foreign = regexp.MustCompile(`(?i)^(.*:)?(external|third-?party|legacy|partner|enterprise|saas)([-_ ](system|service|api|application))?$`)

// kind is what a node's type means here.
func (m *mapping) kind(n calm.Node) blueprint.Kind {
	switch n.Type {
	case calm.Service, calm.WebClient:
		return blueprint.Service
	case calm.Database, calm.LDAP:
		return blueprint.Store
	case calm.Actor, calm.DataAsset:
		return blueprint.Other
	}
	if foreign.MatchString(n.Type) {
		return blueprint.External
	}
	if k, ok := blueprint.KindOf(n.Type); ok {
		return k
	}
	switch {
	case m.holds[n.ID] && (n.Type == calm.System || n.Type == calm.Ecosystem || !m.connected[n.ID]):
		return blueprint.Area
	case !m.connected[n.ID]:
		return blueprint.Other
	case n.Type == calm.System && m.services:
		return blueprint.External
	}
	return blueprint.Service
}

// iface takes what an interface says of its node: keys of its own in older
// releases, below config in newer ones, and a value with its type.
func (m *mapping) iface(x *blueprint.Box, f calm.Interface, i, j int) {
	for _, keys := range []map[string]any{f.Extra, f.Config} {
		x.Image = cmp.Or(x.Image, text(keys["image"]))
		host, port := text(keys["host"]), text(keys["port"])
		for _, k := range []string{"url", "value"} {
			if ep, ok := discover.ParseEndpoint(text(keys[k])); ok && (ep.Scheme != "" || ep.Port != "") {
				host, port = cmp.Or(host, ep.Host), cmp.Or(port, ep.Port)
			}
		}
		if n, err := strconv.Atoi(port); err == nil && n > 0 && n < 1<<16 {
			if x.Ports == nil {
				x.Ports = map[string]int{}
			}
			x.Ports[f.ID] = n
		}
		if x.Kind == blueprint.External && net.ParseIP(host) == nil && host != "localhost" {
			x.Host = cmp.Or(x.Host, host)
		}
		m.operations(x, keys, i, j)
	}
}

// methods that a path may be asked with.
var methods = map[string]bool{"GET": true, "PUT": true, "POST": true, "DELETE": true, "PATCH": true, "HEAD": true, "OPTIONS": true}

// operations are listed by architectures with a path and a method, beside the
// interface's address or in its schema.
func (m *mapping) operations(x *blueprint.Box, keys map[string]any, i, j int) {
	lists := []any{keys["operations"]}
	if s, ok := keys["schema"].(map[string]any); ok {
		lists = append(lists, s["operations"])
	}
	for _, l := range lists {
		ops, _ := l.([]any)
		for _, o := range ops {
			op, _ := o.(map[string]any)
			method, path := strings.ToUpper(text(op["method"])), text(op["path"])
			if !methods[method] || !strings.HasPrefix(path, "/") {
				continue
			}
			if x.Operations == nil {
				x.Operations = map[string]arch.Source{}
			}
			if _, seen := x.Operations[method+" "+path]; !seen {
				x.Operations[method+" "+path] = m.at("nodes", strconv.Itoa(i), "interfaces", strconv.Itoa(j))
			}
		}
	}
}

// team that owns a node, by the keys that people use.
func team(meta calm.Metadata) string {
	for _, k := range []string{"team", "owner", "owning-team", "owned-by"} {
		if s := text(meta[k]); s != "" && !strings.Contains(s, "@") {
			return blueprint.Slug(s)
		}
	}
	return ""
}

// text of a scalar; the first of a list; "" of anything else.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return text(v[0])
		}
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return ""
}

// ways are the kinds of arrow that ashlar diagram writes.
var ways = map[string]string{"read": arch.AccessRead, "write": arch.AccessWrite, "publish": arch.AccessPublish, "subscribe": arch.AccessSubscribe, "async": "", "sync": arch.AccessCall}

func (m *mapping) arrows(r calm.Relationship, at arch.Source) []blueprint.Arrow {
	a := blueprint.Arrow{ID: r.ID, Protocol: blueprint.Protocol(r.Protocol), Text: r.Description, At: at}
	if c := r.Type.Connects; c != nil {
		a.From, a.To = c.Source.Node, c.Destination.Node
		if _, ok := own(a.From); ok {
			if kind, ours := r.Metadata["kind"].(string); ours { // as ashlar diagram writes it
				a.Way, a.Stated, a.Async = ways[kind], true, kind == "async"
				a.Protocol = cmp.Or(a.Protocol, text(r.Metadata["protocol"]))
				a.Text = text(r.Metadata["known from"])
				if kind == "dead-letter" {
					a.Text = "dead letters"
				}
			}
		}
		return []blueprint.Arrow{a}
	}
	var out []blueprint.Arrow
	if c := r.Type.Interacts; c != nil {
		for _, id := range c.Nodes {
			b := a
			b.From, b.To = c.Actor, id
			out = append(out, b)
		}
	}
	return out
}
