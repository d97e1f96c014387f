package facts

import (
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// httpVerbs are names of methods of routers and clients.
var httpVerbs = map[string]string{"get": "GET", "post": "POST", "put": "PUT", "delete": "DELETE", "patch": "PATCH", "head": "HEAD", "options": "OPTIONS"}

// nest are NestJS's and similar decorators.
var nest = map[string]string{"Get": "GET", "Post": "POST", "Put": "PUT", "Delete": "DELETE", "Patch": "PATCH", "Head": "HEAD", "Options": "OPTIONS", "All": "ANY"}

// aspnet are ASP.NET's attributes.
var aspnet = map[string]string{"HttpGet": "GET", "HttpPost": "POST", "HttpPut": "PUT", "HttpDelete": "DELETE", "HttpPatch": "PATCH", "HttpHead": "HEAD"}

// otherEntries finds where requests and messages come in, in languages other
// than Java.
func (r *reader) otherEntries(t *link.Type) {
	for _, m := range t.Methods {
		switch t.File.Lang {
		case "typescript":
			r.nestEntry(t, m)
		case "python":
			r.decorated(t, m)
		case "csharp":
			r.aspnetEntry(t, m)
		}
	}
}

func (r *reader) nestEntry(t *link.Type, m *link.Method) {
	for i := range m.Unit.Marks {
		mark := &m.Unit.Marks[i]
		if verb, ok := nest[mark.Name]; ok && t.Unit.Mark("Controller", "JsonController", "RestController") != nil {
			base := r.text1(t, t.Unit.Mark("Controller", "JsonController", "RestController").Arg("value", "path"))
			r.entry(m, "http", verb+" "+Braces(Path(r.prefixes[t.Module], base, r.text1(t, mark.Arg("value")))), mark.Line)
		}
		switch mark.Name {
		case "MessagePattern", "EventPattern", "Process", "RabbitSubscribe":
			if topic := r.text1(t, mark.Arg("value", "routingKey", "queue", "cmd")); topic != "" {
				r.entry(m, "topic", "topic "+topic, mark.Line)
			}
		case "GrpcMethod":
			if args := mark.Args; len(args) > 0 {
				method := strings.ToUpper(m.Unit.Name[:1]) + m.Unit.Name[1:]
				if len(args) > 1 {
					method = r.text1(t, &args[1].Value)
				}
				r.entry(m, "grpc", "grpc "+r.text1(t, &args[0].Value)+"/"+method, mark.Line)
			}
		case "Cron", "Interval":
			r.entry(m, "timer", "cron "+r.text1(t, mark.Arg("value")), mark.Line)
		}
	}
}

var colonVar = regexp.MustCompile(`:([A-Za-z_]\w*)(?:\([^)]*\))?\??`)

var angleVar = regexp.MustCompile(`<(?:\w+:)?(\w+)>`)

// Braces writes the variables of a path in one form: :id and <int:id> are {id}.
func Braces(path string) string {
	return colonVar.ReplaceAllString(angleVar.ReplaceAllString(path, "{$1}"), "{$1}")
}

// decorated: FastAPI's, Flask's and others' decorators of functions.
func (r *reader) decorated(t *link.Type, m *link.Method) {
	for i := range m.Unit.Marks {
		mark := &m.Unit.Marks[i]
		on, name, ok := strings.Cut(mark.Name, ".")
		if !ok {
			if mark.Name == "shared_task" {
				r.entry(m, "topic", "topic "+m.Unit.Name, mark.Line)
			}
			continue
		}
		path := mark.Arg("value", "rule", "path")
		if path == nil || path.Kind != unit.Str && path.Kind != unit.Concat && path.Kind != unit.Name {
			if name == "task" {
				r.entry(m, "topic", "topic "+m.Unit.Name, mark.Line)
			}
			continue
		}
		p := Braces(Path(r.prefix(t, on), r.text1(t, path)))
		switch verb := httpVerbs[name]; {
		case verb != "":
			r.entry(m, "http", verb+" "+p, mark.Line)
		case name == "route" || name == "api_route" || name == "websocket":
			verbs := []string{"GET"}
			if v := mark.Arg("methods"); v != nil {
				verbs = r.texts(t, v)
			}
			for _, v := range verbs {
				r.entry(m, "http", strings.ToUpper(v)+" "+p, mark.Line)
			}
		}
	}
}

// prefix of a router or blueprint, from where it is made.
func (r *reader) prefix(t *link.Type, name string) string {
	for _, x := range r.Program.Ordered {
		if x.File != t.File || x.Unit.Kind != unit.Loose {
			continue
		}
		_, f := r.Program.Field(x, name)
		if f == nil || f.Init == nil {
			continue
		}
		for i := range f.Init.Args {
			if a := &f.Init.Args[i]; a.Kind == unit.Pair && (a.Text == "prefix" || a.Text == "url_prefix") {
				return r.text1(x, a.X)
			}
		}
	}
	return ""
}

func (r *reader) aspnetEntry(t *link.Type, m *link.Method) {
	if !strings.HasSuffix(t.Unit.Name, "Controller") && t.Unit.Mark("ApiController", "Controller") == nil {
		return
	}
	for i := range m.Unit.Marks {
		mark := &m.Unit.Marks[i]
		verb, ok := aspnet[unit.Last(mark.Name)]
		if !ok {
			continue
		}
		base := r.text1(t, t.Unit.Mark("Route").Arg("value"))
		p := r.text1(t, mark.Arg("value", "template"))
		if p == "" {
			p = r.text1(t, m.Unit.Mark("Route").Arg("value"))
		}
		if strings.HasPrefix(p, "/") || strings.HasPrefix(p, "~/") { // says it all
			base, p = "", strings.TrimPrefix(p, "~")
		}
		full := strings.NewReplacer("[controller]", strings.TrimSuffix(unit.Last(t.Unit.Name), "Controller"), "[action]", m.Unit.Name).Replace(Path(base, p))
		r.entry(m, "http", verb+" "+full, mark.Line)
	}
}

// routers are what routes are given to, by the name of the variable where its
// type is not known.
var routers = regexp.MustCompile(`(?i)^(app|router|server|api|fastify|\w*router|\w*routes|\w*app|group|endpoints|v1|v2)$`)

// route notes app.get("/x", handler), app.MapGet("/x", handler), and mounts.
func (r *reader) route(s *link.Site) {
	if s.Call.Kind != unit.Call || s.Call.X == nil || len(s.Call.Args) < 2 {
		return
	}
	verb := httpVerbs[s.Call.Text]
	if s.In.Type.File.Lang == "csharp" {
		verb = httpVerbs[strings.ToLower(strings.TrimPrefix(s.Call.Text, "Map"))]
		if !strings.HasPrefix(s.Call.Text, "Map") {
			return
		}
	} else if !routers.MatchString(s.Call.X.Text) || s.Recv.Is("axios", "requests", "httpx", "got", "superagent") {
		return
	}
	path := r.arg(s, 0)
	last := s.Call.Args[len(s.Call.Args)-1]
	if verb == "" || !strings.HasPrefix(path.S, "/") || last.Kind == unit.Object || last.Kind == unit.Str {
		return
	}
	m := s.In
	if last.Kind == unit.Name || last.Kind == unit.Member { // a function with a name
		if f := r.handler(s, &last); f != nil {
			m = f
		}
	}
	p := Path(path.S)
	if s.In.Type.File.Lang == "csharp" {
		p = Path(r.group(s, s.Call.X), path.S)
	} else {
		p = Path(r.mounted(s), p)
	}
	r.entry(m, "http", verb+" "+Braces(p), int(s.Call.Line))
}

func (r *reader) handler(s *link.Site, e *unit.Expr) *link.Method {
	t := s.In.Type
	name := e.Text
	if e.Kind == unit.Member && e.X != nil {
		if x := r.Program.Resolve(t, e.X.Text); x.Type != nil {
			t = x.Type
		} else if x := r.Program.Imported(t, e.X.Text); x != nil {
			t = x
		}
	} else if x := r.Program.Imported(t, name); x != nil {
		t = x
	}
	return r.Program.Method(t, name, nil)
}

// group is the prefix of MapGroup("/x"), along the chain or at the variable.
func (r *reader) group(s *link.Site, e *unit.Expr) string {
	if e.Kind == unit.Name {
		if v := s.Scope.Var(e.Text); v != nil && v.Init != nil {
			e = v.Init
		}
	}
	if c := findCall(e, "MapGroup"); c != nil && len(c.Args) > 0 {
		return r.Program.Text(s.Scope, &c.Args[0]).S
	}
	return ""
}

// mounted is the prefix under which another file mounts this file's router:
// app.use("/x", require("./routes")).
func (r *reader) mounted(s *link.Site) string { return r.mounts[s.In.Type.File.Package] }

// mount notes such a prefix ahead of the walk, and the one that NestJS puts before
// all paths: app.setGlobalPrefix("api").
func (r *reader) mount(t *link.Type) {
	if t.File.Lang != "typescript" || aside(t) {
		return
	}
	for _, m := range t.Methods {
		unit.Each(m.Unit.Body, func(e *unit.Expr) {
			if e.Kind == unit.Call && e.Text == "setGlobalPrefix" && len(e.Args) > 0 && e.Args[0].Kind == unit.Str {
				r.prefixes[t.Module] = e.Args[0].Text
			}
		})
		for i := range m.Unit.Body {
			e := m.Unit.Body[i].X
			if e == nil || e.Kind != unit.Call || e.Text != "use" || len(e.Args) < 2 || e.Args[0].Kind != unit.Str {
				continue
			}
			last := e.Args[len(e.Args)-1]
			from := ""
			switch {
			case last.Kind == unit.Name:
				for _, im := range t.File.Imports {
					if im.Alias == last.Text || im.Alias == "" && im.Name == last.Text {
						from = im.Package
					}
				}
			case last.Kind == unit.Call && last.Text == "require" && len(last.Args) == 1:
				from = link.Relative(t.File.Package, last.Args[0].Text)
			}
			for _, p := range []string{from, from + "/index"} {
				if p != "" && r.mounts[p] == "" {
					r.mounts[p] = e.Args[0].Text
				}
			}
		}
	}
}
