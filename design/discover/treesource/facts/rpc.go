package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// grpcServer: a type that descends from a generated base offers its methods.
func (r *reader) grpcServer(t *link.Type) {
	for _, up := range r.grpcBases(t) {
		service, ok := strings.CutSuffix(unit.Last(up), "ImplBase")
		if !ok && t.File.Lang == "python" {
			service, ok = strings.CutSuffix(unit.Last(up), "Servicer")
		}
		if !ok {
			if service, ok = strings.CutSuffix(unit.Last(up), "Base"); !ok || t.File.Lang != "csharp" || service == "" || !strings.Contains(up, service+"."+service) {
				continue
			}
		}
		for _, m := range t.Methods {
			if procedural(t, m, service) {
				r.entry(m, "grpc", "grpc "+service+"/"+capital(m.Unit.Name), m.Unit.Line)
			}
		}
	}
}

// procedural reports whether a method of a server is a procedure and no helper.
func procedural(t *link.Type, m *link.Method, service string) bool {
	name := m.Unit.Name
	switch {
	case t.File.Lang == "java":
		return m.Unit.Mark("Override") != nil
	case m.Unit.Internal || name == "<init>" || m.Unit.Static:
		return false
	case t.File.Lang == "python": // (self, request, context), as the definition has it; the health check that a server may answer too is another service's
		return len(m.Unit.Params) == 2 && name[0] >= 'A' && name[0] <= 'Z' && (name != "Check" && name != "Watch" || service == "Health")
	}
	return true
}

// grpcBases are the names of the types above t that something generated: from
// outside, or in files that say so.
func (r *reader) grpcBases(t *link.Type) []string {
	var out []string
	for _, up := range r.Program.Above(t) {
		out = append(out, up.Name)
	}
	for _, s := range t.Supers {
		if s.Type != nil && s.Type.File.Made {
			out = append(out, s.Type.Unit.Name)
		}
	}
	return out
}

func capital(name string) string {
	if name == "" {
		return name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// addService: server.addService(proto.CartService.service, {addItem, getCart}), as
// Node has it.
func (r *reader) addService(s *link.Site) {
	if s.Call.Text != "addService" || len(s.Call.Args) < 2 || s.Call.Args[1].Kind != unit.Object {
		return
	}
	e := &s.Call.Args[0]
	service := strings.TrimSuffix(e.Text, "Service") + "Service" // CartServiceService of generated code
	if e.Kind == unit.Member && e.Text == "service" && e.X != nil {
		service = e.X.Text
	} else if name, ok := strings.CutSuffix(e.Text, "ServiceService"); ok {
		service = name + "Service"
	}
	if service == "Health" {
		return
	}
	for i := range s.Call.Args[1].Args {
		p := &s.Call.Args[1].Args[i]
		if p.Kind != unit.Pair || p.Text == "" {
			continue
		}
		m := s.In
		if p.X != nil && (p.X.Kind == unit.Name || p.X.Kind == unit.Member) {
			if h := r.handler(s, p.X); h != nil {
				m = h
			}
		}
		r.entry(m, "grpc", "grpc "+service+"/"+capital(p.Text), max(int(s.Call.Line), int(p.Line)))
	}
}

// grpcCall is a call of a Java stub.
func (r *reader) grpcCall(s *link.Site, tx, root string) {
	service := root
	for _, suffix := range []string{"BlockingV2Stub", "BlockingStub", "FutureStub", "Stub"} {
		if x, ok := strings.CutSuffix(service, suffix); ok {
			service = x
			break
		}
	}
	r.out1(s, code.Client{Kind: "grpc", Target: service, Verb: capital(s.Call.Text), Tx: tx})
}

// stubCall is a call of a generated client of Python, C# or Node.
func (r *reader) stubCall(s *link.Site, tx string) bool {
	service := ""
	switch s.In.Type.File.Lang {
	case "python":
		service = generatedName(s.Recv, "Stub")
	case "csharp":
		root := s.Recv.Root()
		if strings.HasSuffix(root, "Client") && strings.HasSuffix(s.Recv.Name, "."+root) && !slices.Contains(httpModules, root) {
			service = strings.TrimSuffix(root, "Client")
		} else if s.Recv.Type != nil && s.Recv.Type.File.Made {
			service = generatedName(s.Recv, "Client")
		}
	case "typescript":
		service = r.nodeStub(s)
	}
	if service == "" || s.Call.Kind != unit.Call {
		return false
	}
	r.out1(s, code.Client{Kind: "grpc", Target: service, Verb: capital(strings.TrimSuffix(s.Call.Text, "Async")), Tx: tx})
	return true
}

// generatedName is the service of a stub: by its type in generated code, by the
// name that a type from outside has, or by the call that made it.
func generatedName(recv link.Ref, suffix string) string {
	for _, name := range []string{recv.Last(), recv.Root()} {
		if service, ok := strings.CutSuffix(name, suffix); ok && recv.Type == nil {
			return service
		}
	}
	if recv.Type != nil && recv.Type.File.Made {
		if service, ok := strings.CutSuffix(recv.Type.Unit.Name, suffix); ok {
			return unit.Last(service)
		}
	}
	return ""
}

// nodeStub is the service of new proto.CartService(address, credentials).
func (r *reader) nodeStub(s *link.Site) string {
	x := s.Call.X
	if x == nil || x.Kind != unit.Name && x.Kind != unit.Member {
		return ""
	}
	init := r.initial(s, x.Text)
	if init == nil || init.Kind != unit.New || len(init.Args) < 2 || !mentions(&init.Args[1], "redentials") {
		return ""
	}
	return strings.TrimSuffix(unit.Last(init.Text), "Client")
}

// initial is what a variable, a field or a variable of the file is set to where it
// is declared; nil when nothing says.
func (r *reader) initial(s *link.Site, name string) *unit.Expr {
	if v := s.Scope.Var(name); v != nil {
		return v.Init
	}
	if _, f := r.Program.Field(s.In.Type, name); f != nil {
		return f.Init
	}
	if f := r.Program.FileField(s.In.Type, name); f != nil {
		return f.Init
	}
	return nil
}

// mentions reports whether a name in an expression has a part.
func mentions(e *unit.Expr, part string) bool {
	if e == nil {
		return false
	}
	if strings.Contains(e.Text, part) && e.Kind != unit.Str || mentions(e.X, part) {
		return true
	}
	return slices.ContainsFunc(e.Args, func(a unit.Expr) bool { return mentions(&a, part) })
}
