package facts

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

func itoa(n int) string { return strconv.Itoa(n) }

// verbs of mapping annotations; "" leaves it to the method argument.
var mappings = map[string]string{
	"GetMapping": "GET", "PostMapping": "POST", "PutMapping": "PUT", "DeleteMapping": "DELETE", "PatchMapping": "PATCH", "RequestMapping": "",
	"HttpExchange": "", "GetExchange": "GET", "PostExchange": "POST", "PutExchange": "PUT", "DeleteExchange": "DELETE", "PatchExchange": "PATCH",
}

var jaxrs = []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}

// entries finds where a type lets requests, messages and timers in.
func (r *reader) entries(t *link.Type) {
	if t.Unit.Kind == unit.Interface || t.Unit.Kind == unit.Note {
		return
	}
	r.grpcServer(t)
	if t.File.Lang != "java" {
		r.otherEntries(t)
		return
	}
	r.jvmEntries(t)
	for _, m := range t.Methods {
		r.springEntry(t, m)
		r.jaxrsEntry(t, m)
		r.listener(t, m)
		r.timer(t, m)
		if m.Unit.Name == "main" && m.Unit.Static && t.File.Lang == "java" {
			r.entry(m, "main", "main", m.Unit.Line)
		}
	}
}

func (r *reader) entry(m *link.Method, kind, trigger string, line int) {
	e := code.Entry{Method: m.ID, Kind: kind, Trigger: trigger, Pos: code.Pos{File: m.Type.File.Path, Line: max(1, line), Col: 1}}
	r.g.Entries = append(r.g.Entries, e)
	r.out.Endpoints = append(r.out.Endpoints, Endpoint{e, m.Type.Module})
}

// controls reports whether Spring asks the type for mappings.
func controls(t *link.Type) bool {
	return t.Unit.Mark("RestController", "Controller", "RepositoryRestController", "BasePathAwareController", "FrameworkEndpoint") != nil || slices.ContainsFunc(t.Unit.Marks, func(m unit.Mark) bool { return strings.HasSuffix(unit.Last(m.Name), "RestController") })
}

// mapping is an annotation that maps requests, with the type it stands in.
func mapping(marks []unit.Mark) *unit.Mark {
	for i := range marks {
		if _, ok := mappings[unit.Last(marks[i].Name)]; ok {
			return &marks[i]
		}
	}
	return nil
}

func (r *reader) springEntry(t *link.Type, m *link.Method) {
	if !controls(t) {
		return
	}
	on, mark := m, mapping(m.Unit.Marks)
	if mark == nil { // the interface that it implements may say it
		if on = r.overridden(t, m, func(u *link.Method) bool { return mapping(u.Unit.Marks) != nil }); on == nil {
			return
		}
		mark = mapping(on.Unit.Marks)
	}
	r.map1(t, t, m, on, mark)
	_ = on
}

// map1 makes entries of a mapping for a controller.
func (r *reader) map1(t, _ *link.Type, m, on *link.Method, mark *unit.Mark) {
	for _, base := range r.basePaths(t) {
		for _, p := range orEmpty(r.texts(on.Type, mark.Arg("value", "path", "url"))) {
			for _, v := range r.methods(mark) {
				line := mark.Line
				if on != m {
					line = m.Unit.Line
				}
				r.entry(m, "http", v+" "+Path(r.context(t.Module), base, p), line)
			}
		}
	}
}

func orEmpty(s []string) []string {
	if len(s) == 0 {
		return []string{""}
	}
	return s
}

// methods of a mapping; "ANY" when it does not say.
func (r *reader) methods(mark *unit.Mark) []string {
	if v := mappings[unit.Last(mark.Name)]; v != "" {
		return []string{v}
	}
	e := mark.Arg("method")
	if e == nil {
		return []string{"ANY"}
	}
	var out []string
	for _, x := range list(e) {
		out = append(out, strings.ToUpper(unit.Last(x.Text)))
	}
	return out
}

func list(e *unit.Expr) []unit.Expr {
	if e.Kind == unit.Array {
		return e.Args
	}
	return []unit.Expr{*e}
}

// basePaths of a controller: its own mapping, or that of what it descends from.
func (r *reader) basePaths(t *link.Type) []string {
	if ps, ok := r.paths[t]; ok {
		return ps
	}
	r.paths[t] = []string{""}
	out := []string{""}
	if mark := mapping(t.Unit.Marks); mark != nil {
		out = orEmpty(r.texts(t, mark.Arg("value", "path", "url")))
	} else {
		for _, s := range t.Supers {
			if s.Type != nil && (s.Type.Unit.Kind == unit.Interface || s.Type.Unit.Kind == unit.Class) {
				if ps := r.basePaths(s.Type); len(ps) > 1 || ps[0] != "" {
					out = ps
					break
				}
			}
		}
	}
	r.paths[t] = out
	return out
}

// overridden finds the method above that m overrides and that is as wanted.
func (r *reader) overridden(t *link.Type, m *link.Method, want func(*link.Method) bool) *link.Method {
	seen := map[*link.Type]bool{t: true}
	queue := []*link.Type{t}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, s := range x.Supers {
			if s.Type == nil || seen[s.Type] {
				continue
			}
			seen[s.Type] = true
			queue = append(queue, s.Type)
			for _, u := range s.Type.Methods {
				if u.Unit.Name == m.Unit.Name && len(u.Unit.Params) == len(m.Unit.Params) && want(u) {
					return u
				}
			}
		}
	}
	return nil
}

// context is the path that a module's server puts before all of its own.
func (r *reader) context(module string) string {
	m := r.modules[module]
	if m == nil || m.Setting == nil {
		return ""
	}
	for _, k := range []string{"server.servlet.context-path", "server.context-path", "server.contextPath", "spring.webflux.base-path"} {
		if v, ok := m.Setting(k); ok && !strings.Contains(v, "${") {
			return v
		}
	}
	return ""
}

var regexpOfVar = regexp.MustCompile(`\{([^{}:/]+):[^/]*\}`)

// Path joins parts into one path: one slash between them, none at the end,
// patterns of variables dropped.
func Path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		p = strings.Trim(strings.TrimSpace(p), "/")
		if p != "" {
			b.WriteByte('/')
			b.WriteString(p)
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return regexpOfVar.ReplaceAllString(b.String(), "{$1}")
}

func (r *reader) jaxrsEntry(t *link.Type, m *link.Method) {
	on := m
	mark := m.Unit.Mark(jaxrs...)
	if mark == nil {
		on = r.overridden(t, m, func(u *link.Method) bool {
			return u.Unit.Mark(jaxrs...) != nil && u.Unit.Mark("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS").Arg("value") == nil
		})
		if on == nil {
			return
		}
		mark = on.Unit.Mark(jaxrs...)
	}
	if mark.Arg("value") != nil || t.File.Lang != "java" { // Retrofit's, a client
		return
	}
	base := r.text1(t, t.Unit.Mark("Path").Arg("value"))
	if base == "" && on != m {
		base = r.text1(on.Type, on.Type.Unit.Mark("Path").Arg("value"))
	}
	if t.Unit.Mark("Path") == nil && on.Type.Unit.Mark("Path") == nil && on.Unit.Mark("Path") == nil {
		return
	}
	r.entry(m, "http", unit.Last(mark.Name)+" "+Path(r.context(t.Module), r.application(t), base, r.text1(on.Type, on.Unit.Mark("Path").Arg("value"))), mark.Line)
}

// application is JAX-RS's @ApplicationPath of the module.
func (r *reader) application(t *link.Type) string {
	for _, x := range r.Program.Ordered {
		if x.Module == t.Module {
			if m := x.Unit.Mark("ApplicationPath"); m != nil {
				return r.text1(x, m.Arg("value"))
			}
		}
	}
	return ""
}

// jvmEntries are servlets, web services, action beans and message-driven beans.
func (r *reader) jvmEntries(t *link.Type) {
	if mark := t.Unit.Mark("WebServlet"); mark != nil {
		for _, p := range orEmpty(r.texts(t, mark.Arg("urlPatterns", "value"))) {
			r.servlet(t, p, mark.Line)
		}
	}
	if mark := t.Unit.Mark("WebService"); mark != nil {
		for _, m := range t.Methods {
			if !m.Unit.Internal && m.Unit.Name != "<init>" && !m.Made && !m.Unit.Static {
				r.entry(m, "http", "POST /"+t.Unit.Name+"#"+m.Unit.Name, m.Unit.Line)
			}
		}
	}
	if mark := t.Unit.Mark("MessageDriven"); mark != nil {
		topic := r.text1(t, mark.Arg("mappedName"))
		if topic == "" {
			topic = t.Unit.Name
			if cfg := mark.Arg("activationConfig"); cfg != nil {
				for _, p := range list(cfg) {
					name, value := pair(p, "propertyName"), pair(p, "propertyValue")
					if n := r.text1(t, name); n == "destination" || n == "destinationLookup" {
						topic = r.text1(t, value)
					}
				}
			}
		}
		for _, m := range t.Methods {
			if m.Unit.Name == "onMessage" {
				r.entry(m, "topic", "topic "+topic, mark.Line)
			}
		}
	}
	if r.Program.Descends(t, "ActionBean") { // Stripes
		for _, m := range t.Methods {
			if !m.Unit.Internal && unit.Last(m.Unit.Result) == "Resolution" {
				url := r.text1(t, t.Unit.Mark("UrlBinding").Arg("value"))
				if url == "" {
					url = "/" + strings.TrimSuffix(strings.TrimSuffix(t.Unit.Name, "Bean"), "Action") + ".action"
				}
				r.entry(m, "http", "ANY "+Path(r.context(t.Module), url)+"?"+m.Unit.Name, m.Unit.Line)
			}
		}
	}
}

func pair(e unit.Expr, name string) *unit.Expr {
	for i := range e.Args {
		if e.Args[i].Kind == unit.Pair && e.Args[i].Text == name {
			return e.Args[i].X
		}
	}
	return nil
}

var servletVerbs = map[string]string{"doGet": "GET", "doPost": "POST", "doPut": "PUT", "doDelete": "DELETE", "service": "ANY"}

func (r *reader) servlet(t *link.Type, path string, line int) {
	for _, m := range t.Methods {
		if v := servletVerbs[m.Unit.Name]; v != "" {
			r.entry(m, "http", v+" "+Path(r.context(t.Module), path), max(line, m.Unit.Line))
		}
	}
}

// routes are those that configuration gives to classes.
func (r *reader) routes() {
	for _, x := range r.Routes {
		for _, t := range r.Program.Ordered {
			if aside(t) || string(t.ID) != x.Class && !(t.Module == x.Module && (t.File.Package+"."+t.Unit.Name == x.Class)) {
				continue
			}
			if x.Method == "" && t.Unit.Mark("WebServlet") == nil {
				r.servlet(t, x.Path, 0)
			}
			for _, m := range t.Methods {
				if m.Unit.Name == x.Method || x.Method == "" && m.Unit.Name == "execute" && r.Program.Descends(t, "Action", "ActionSupport", "DispatchAction") {
					r.entry(m, "http", "ANY "+Path(x.Path), m.Unit.Line)
				}
			}
		}
	}
}

// listeners by annotation, with the arguments that name what they listen to.
var listeners = map[string][]string{
	"KafkaListener": {"topics", "topicPattern", "value"}, "RabbitListener": {"queues", "value", "bindings", "queuesToDeclare"}, "JmsListener": {"destination"}, "SqsListener": {"value", "queueNames"},
	"StreamListener": {"target", "value"}, "Incoming": {"value"}, "PulsarListener": {"topics"}, "NatsListener": {"value", "subject"}, "RocketMQMessageListener": {"topic"},
}

func (r *reader) listener(t *link.Type, m *link.Method) {
	for _, marks := range [][]unit.Mark{m.Unit.Marks, t.Unit.Marks} {
		for i := range marks {
			mark := &marks[i]
			args, ok := listeners[unit.Last(mark.Name)]
			if !ok || &marks[0] == firstMark(t.Unit.Marks) && m.Unit.Mark("KafkaHandler", "RabbitHandler") == nil && m.Unit.Name != "onMessage" {
				continue
			}
			for _, topic := range r.topics(t, mark, args) {
				r.entry(m, "topic", "topic "+topic, mark.Line)
			}
		}
	}
}

func firstMark(m []unit.Mark) *unit.Mark {
	if len(m) == 0 {
		return nil
	}
	return &m[0]
}

// topics that an annotation names, also by a queue inside a binding.
func (r *reader) topics(t *link.Type, mark *unit.Mark, args []string) []string {
	for _, a := range args {
		e := mark.Arg(a)
		if e == nil {
			continue
		}
		var out []string
		for _, x := range list(e) {
			if x.Kind != unit.New {
				out = append(out, r.texts(t, &x)...)
				continue
			}
			if q := pair(x, "value"); q != nil && q.Kind == unit.New {
				out = append(out, r.texts(t, orExpr(pair(*q, "value"), pair(*q, "name")))...)
			} else if n := orExpr(pair(x, "name"), q); n != nil {
				out = append(out, r.texts(t, n)...)
			}
		}
		return out
	}
	return nil
}

func orExpr(a, b *unit.Expr) *unit.Expr {
	if a != nil {
		return a
	}
	return b
}

func (r *reader) timer(t *link.Type, m *link.Method) {
	mark := m.Unit.Mark("Scheduled", "Schedule")
	if mark == nil {
		return
	}
	for _, k := range []struct{ arg, form string }{{"cron", "cron "}, {"fixedRate", "every "}, {"fixedDelay", "every "}, {"fixedRateString", "every "}, {"fixedDelayString", "every "}, {"every", "every "}} {
		if v := r.text1(t, mark.Arg(k.arg)); v != "" {
			if n, err := strconv.ParseInt(strings.TrimRight(v, "Ll"), 10, 64); err == nil && k.arg != "cron" {
				v = duration(n)
			}
			r.entry(m, "timer", k.form+v, mark.Line)
			return
		}
	}
	r.entry(m, "timer", "timer "+m.Unit.Name, mark.Line)
}

// duration of milliseconds, as people write it.
func duration(ms int64) string {
	switch {
	case ms > 0 && ms%3_600_000 == 0:
		return itoa(int(ms/3_600_000)) + "h"
	case ms > 0 && ms%60_000 == 0:
		return itoa(int(ms/60_000)) + "m"
	case ms > 0 && ms%1000 == 0:
		return itoa(int(ms/1000)) + "s"
	}
	return itoa(int(ms)) + "ms"
}

// enabled keeps what annotations make of an application.
func (r *reader) enabled(t *link.Type) {
	for i := range t.Unit.Marks {
		n := unit.Last(t.Unit.Marks[i].Name)
		if !strings.HasPrefix(n, "Enable") && n != "SpringBootApplication" && n != "SpringCloudApplication" {
			continue
		}
		if r.out.Enabled[t.Module] == nil {
			r.out.Enabled[t.Module] = map[string]code.Pos{}
		}
		if _, ok := r.out.Enabled[t.Module][n]; !ok {
			r.out.Enabled[t.Module][n] = lineOf(t, t.Unit.Marks[i].Line)
		}
	}
}
