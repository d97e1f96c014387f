package facts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
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
			r.entry(m, "http", verb+" "+Braces(Path(base, r.text1(t, mark.Arg("value")))), mark.Line)
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

// mount notes such a prefix ahead of the walk.
func (r *reader) mount(t *link.Type) {
	if t.File.Lang != "typescript" || aside(t) {
		return
	}
	for _, m := range t.Methods {
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

// clients of other languages, by the name that their module is imported as.
var httpModules = []string{"axios", "requests", "httpx", "got", "superagent", "needle", "HttpService", "AxiosInstance", "AxiosStatic", "HttpClient", "Session", "AsyncClient", "ClientSession", "HttpClientJsonExtensions", "ky"}

// instances of those clients are what these calls of their modules give.
var instances = []string{"", "axios", "create", "extend", "AsyncClient", "Client", "Session", "ClientSession", "session"}

func (r *reader) otherSite(s *link.Site, tx string) {
	r.route(s)
	r.addService(s)
	if s.Call.Kind == unit.New {
		return
	}
	name, root := s.Call.Text, s.Recv.Root()
	switch {
	case slices.Contains(httpModules, root) && slices.Contains(instances, s.Recv.Last()) || s.Recv.Type == nil && s.Call.X != nil && s.Call.X.Text == "httpClient":
		verb := httpVerbs[strings.ToLower(name)]
		if s.In.Type.File.Lang == "csharp" {
			verb = verbIn(name)
			if !strings.HasSuffix(name, "Async") || verb == "" && name != "SendAsync" {
				return
			}
		}
		if verb == "" && name != "request" && name != "SendAsync" {
			return
		}
		t := r.arg(s, 0)
		if base := r.baseURL(s); base != "" && !strings.Contains(t.S, "://") {
			t.S = strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(t.S, "/")
		}
		r.request(s, tx, verb, t)
	case s.Call.X == nil && (name == "fetch" || name == "axios" || name == "got") && s.In.Type.File.Lang == "typescript":
		r.fetch(s, tx)
	case strings.HasSuffix(strings.ToLower(lastName(s.Call.X)), "producer") && (name == "send" || name == "produce" || name == "ProduceAsync"):
		topic := r.arg(s, 0)
		if len(s.Call.Args) > 0 && s.Call.Args[0].Kind == unit.Object {
			topic = r.Program.Text(s.Scope, pair(s.Call.Args[0], "topic"))
		}
		r.publish(s, tx, "kafka", topic)
	case name == "sendToQueue" || name == "basic_publish" || name == "BasicPublish" || name == "publish" && strings.Contains(strings.ToLower(lastName(s.Call.X)), "channel"):
		topic := r.arg(s, 0)
		for i := range s.Call.Args {
			if a := &s.Call.Args[i]; a.Kind == unit.Pair && (a.Text == "routing_key" || a.Text == "exchange") {
				if t := r.Program.Text(s.Scope, a.X); t.S != "" {
					topic = t
				}
			}
		}
		r.publish(s, tx, "amqp", topic)
	case (name == "emit" || name == "send") && root == "ClientProxy":
		r.publish(s, tx, "topic", r.arg(s, 0))
	case (name == "Publish" || name == "PublishAsync" || name == "Send") && (root == "IPublishEndpoint" || root == "IBus" || root == "ISendEndpointProvider" || root == "IEventBus") && len(s.Args) > 0:
		if a := s.Args[0]; a.Type != nil {
			r.publish(s, tx, "topic", link.Text{S: a.Type.Unit.Name, Fixed: true})
		}
	case r.stubCall(s, tx):
	}
	r.otherData(s, tx)
}

func lastName(e *unit.Expr) string {
	if e == nil {
		return ""
	}
	return e.Text
}

func (r *reader) fetch(s *link.Site, tx string) {
	verb := "GET"
	if len(s.Call.Args) > 1 && s.Call.Args[1].Kind == unit.Object {
		if m := pair(s.Call.Args[1], "method"); m != nil {
			verb = strings.ToUpper(r.Program.Text(s.Scope, m).S)
		}
	}
	t := r.arg(s, 0)
	if len(s.Call.Args) > 0 && s.Call.Args[0].Kind == unit.Object {
		t = r.Program.Text(s.Scope, pair(s.Call.Args[0], "url"))
	}
	if t.Known() {
		r.request(s, tx, verb, t)
	}
}

// baseURL of an instance: axios.create({baseURL}), httpx.Client(base_url=...).
func (r *reader) baseURL(s *link.Site) string {
	if s.Call.X == nil || s.Call.X.Kind != unit.Name && s.Call.X.Kind != unit.Member {
		return ""
	}
	name := s.Call.X.Text
	var init *unit.Expr
	if v := s.Scope.Var(name); v != nil {
		init = v.Init
	} else if _, f := r.Program.Field(s.In.Type, name); f != nil {
		init = f.Init
	} else if f := r.Program.FileField(s.In.Type, name); f != nil {
		init = f.Init
	}
	if init == nil {
		return ""
	}
	for i := range init.Args {
		a := &init.Args[i]
		if a.Kind == unit.Pair && a.Text == "base_url" {
			return r.expand(s.In.Type.Module, r.Program.Text(s.Scope, a.X).S)
		}
		if b := pair(*a, "baseURL"); b != nil {
			return r.expand(s.In.Type.Module, r.Program.Text(s.Scope, b).S)
		}
	}
	return ""
}

// otherEntity finds classes that are kept in tables: TypeORM, SQLAlchemy,
// Django, Entity Framework.
func (r *reader) otherEntity(t *link.Type) {
	if aside(t) || t.Unit.Kind == unit.Loose {
		return
	}
	e := &entity{kind: "sql", refs: map[string]*link.Type{}, fields: map[string]string{}, pos: lineOf(t, t.Unit.Line)}
	switch t.File.Lang {
	case "typescript":
		mark := t.Unit.Mark("Entity", "Table")
		if mark == nil {
			return
		}
		if e.table = r.text1(t, mark.Arg("value", "name", "tableName")); e.table == "" {
			e.table = snake(t.Unit.Name)
		}
	case "python":
		table := func() string {
			for i := range t.Unit.Fields {
				if f := &t.Unit.Fields[i]; f.Name == "__tablename__" && f.Init != nil {
					return r.text1(t, f.Init)
				}
			}
			return ""
		}()
		django := slices.ContainsFunc(t.Unit.Supers, func(s string) bool { return s == "models.Model" })
		if table == "" && !django {
			return
		}
		if e.table = table; table == "" {
			app := t.File.Package[:max(0, strings.LastIndexByte(t.File.Package, '/'))]
			app = strings.TrimSuffix(app, "/models")
			e.table = app[strings.LastIndexByte(app, '/')+1:] + "_" + strings.ToLower(t.Unit.Name)
		}
	case "csharp":
		mark := t.Unit.Mark("Table")
		if mark == nil {
			return // those of a context are found there
		}
		e.table = strings.ToLower(r.text1(t, mark.Arg("value")))
	}
	for i := range t.Unit.Fields {
		f := &t.Unit.Fields[i]
		column := f.Mark("Column", "PrimaryColumn", "PrimaryGeneratedColumn", "Key", "ManyToOne", "CreateDateColumn", "UpdateDateColumn") != nil || t.File.Lang == "csharp"
		if f.Init != nil && f.Init.Kind == unit.Call {
			switch n := unit.Last(f.Init.Text); {
			case n == "Column" || n == "mapped_column" || strings.HasSuffix(n, "Field"), n == "ForeignKey", n == "OneToOneField":
				column = true
			}
		}
		if column && !strings.HasPrefix(f.Name, "__") {
			e.columns = append(e.columns, strings.ToLower(f.Name))
			e.fields[f.Name] = strings.ToLower(f.Name)
		}
	}
	r.entities[t] = e
}

// sets are the entities that an Entity Framework context keeps.
func (r *reader) sets(t *link.Type) {
	if t.File.Lang != "csharp" || aside(t) || !r.Program.Descends(t, "DbContext", "IdentityDbContext") {
		return
	}
	for i := range t.Unit.Fields {
		f := &t.Unit.Fields[i]
		x := r.Program.Resolve(t, f.Type)
		if unit.Last(x.Name) != "DbSet" || len(x.Args) != 1 || x.Args[0].Type == nil {
			continue
		}
		of := x.Args[0].Type
		if r.entities[of] != nil {
			continue
		}
		e := &entity{kind: "sql", table: strings.ToLower(f.Name), refs: map[string]*link.Type{}, fields: map[string]string{}, pos: lineOf(of, of.Unit.Line)}
		for j := range of.Unit.Fields {
			n := of.Unit.Fields[j].Name
			e.columns = append(e.columns, strings.ToLower(n))
			e.fields[n] = strings.ToLower(n)
		}
		r.entities[of] = e
	}
}

var ormWrites = []string{"add", "save", "create", "insert", "update", "delete", "remove", "upsert", "bulk", "destroy", "merge", "softdelete", "increment", "decrement", "get_or_create", "update_or_create", "executeupdate", "executedelete"}

func ormMode(name string) string {
	l := strings.ToLower(name)
	if slices.ContainsFunc(ormWrites, func(w string) bool { return strings.HasPrefix(l, w) }) && l != "createquerybuilder" {
		return write
	}
	return read
}

// otherData notes what object-relational mappers do.
func (r *reader) otherData(s *link.Site, tx string) {
	p := pos(s)
	name := s.Call.Text
	note := func(of *link.Type, mode string) {
		r.entityAccess(s.In.Type, s.In.ID, of, mode, nil, p, tx, false)
	}
	switch s.In.Type.File.Lang {
	case "typescript":
		if of := s.Recv.Elem().Type; (s.Recv.Is("Repository", "EntityRepository", "MongoRepository", "Model") && s.Recv.Last() == "") && of != nil && name != "create" {
			note(of, ormMode(name))
			return
		}
		if x := s.Call.X; x != nil && x.Kind == unit.Member && x.X != nil && strings.HasSuffix(strings.ToLower(x.X.Text), "prisma") { // prisma.order.findMany()
			r.note(code.Access{Method: s.In.ID, Table: r.tableRef(s.In.Type, snake(x.Text), "sql"), Mode: ormMode(name), Pos: p, Tx: tx})
		}
	case "python":
		x := s.Call.X
		if x != nil && x.Kind == unit.Member && (x.Text == "objects" || x.Text == "query") { // Order.objects.filter()
			if of := r.Program.Resolve(s.In.Type, lastName(x.X)).Type; of != nil && r.entities[of] != nil {
				note(of, ormMode(name))
				return
			}
		}
		if s.Recv.Type != nil && r.entities[s.Recv.Type] != nil && (name == "save" || name == "delete") {
			note(s.Recv.Type, write)
			return
		}
		switch name {
		case "query", "select", "get", "add", "delete", "merge", "insert", "update", "exists":
			session := x == nil || strings.Contains(strings.ToLower(lastName(x)), "session") || strings.ToLower(lastName(x)) == "db"
			for i := range s.Call.Args {
				a := s.Args[i]
				if session && a.Type != nil && r.entities[a.Type] != nil {
					note(a.Type, map[bool]string{true: write, false: read}[ormMode(name) == write])
				}
			}
		}
	case "csharp":
		if of := s.Recv.Elem().Type; s.Recv.Is("DbSet", "IQueryable") && s.Recv.Last() == "" && of != nil {
			note(of, ormMode(name))
			return
		}
		if r.Program.Descends(s.Recv.Type, "DbContext", "IdentityDbContext") && len(s.Args) > 0 && s.Args[0].Type != nil {
			note(s.Args[0].Type, ormMode(name))
		}
	}
	_ = arch.KindTable
}
