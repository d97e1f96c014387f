package gosource

import (
	"cmp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// entries makes entries of a route, one for each prefix that its router may have.
func (p *program) entries(r route) []code.Entry {
	var out []code.Entry
	for _, f := range p.resolve(r.Path) {
		path := strings.ReplaceAll(f.text, sql.Hole, "")
		for r.Kind == "http" && strings.HasPrefix(path, "${") { // where it is mounted is a matter of deployment
			_, path, _ = strings.Cut(path, "}")
		}
		for strings.Contains(path, "//") {
			path = strings.ReplaceAll(path, "//", "/")
		}
		e := code.Entry{Method: cmp.Or(r.Handler, r.In), Kind: r.Kind, Pos: r.Pos}
		switch r.Kind {
		case "topic":
			if path == "" {
				path = "?"
			}
			e.Trigger = "topic " + path
		default:
			method := strings.ReplaceAll(p.place(r.Method), sql.Hole, "")
			if m, rest, ok := strings.Cut(path, " "); ok && verbOf(m) != "" {
				method, path = m, strings.TrimSpace(rest)
			}
			for _, m := range strings.Split(cmp.Or(method, "*"), ",") {
				if m == "HEAD" && strings.Contains(method, "GET") {
					continue // the same without the answer's body
				}
				e.Trigger = m + " " + cmp.Or(path, "/")
				out = append(out, e)
			}
			continue
		}
		out = append(out, e)
	}
	if r.Handler == "" { // another module handles it: what it does is not known
		for i := range out {
			out[i].Method = foreign(r.In)
		}
	}
	for _, e := range out {
		p.registered[e.Pos] = r.In
	}
	return out
}

// foreign is the method of an entry that no function of this source handles: its
// type is that of the place that registers it.
func foreign(in code.MethodID) code.MethodID { return in + ".elsewhere" }

// served lists the methods of the gRPC services that a package registers.
func (p *program) served(s *summary) []code.Entry {
	var out []code.Entry
	for _, x := range s.Serves {
		full, methods := p.grpcService(x.Package, x.Service)
		for _, m := range methods {
			id := code.MethodID(string(x.Impl) + "#" + m)
			if _, ok := p.methods[id]; ok {
				p.registered[p.methods[id].Pos] = x.In
				out = append(out, code.Entry{Method: id, Kind: "grpc", Trigger: "grpc " + full + "/" + m, Pos: p.methods[id].Pos})
			}
		}
		if len(methods) == 0 { // generated elsewhere: its exported methods with a context are what it serves
			for _, id := range sortedKeys(p.methods) {
				m := p.methods[id]
				if m.Type == x.Impl && len(m.Params) == 2 && strings.HasPrefix(string(m.Params[0]), "context.") && m.Name[0] >= 'A' && m.Name[0] <= 'Z' {
					p.registered[m.Pos] = x.In
					out = append(out, code.Entry{Method: id, Kind: "grpc", Trigger: "grpc " + x.Service + "/" + m.Name, Pos: m.Pos})
				}
			}
		}
	}
	return out
}

func (p *program) grpcService(pkg, name string) (full string, methods []string) {
	for _, s := range p.parts {
		for _, g := range s.Services {
			if s.Path == pkg && g.Go == name {
				return g.Full, g.Methods
			}
		}
	}
	return name, nil
}
