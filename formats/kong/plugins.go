package kong

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// AllPlugins lists all plugins of a configuration, in their order; those of
// consumers are not read.
func (c *Config) AllPlugins() []*Plugin {
	var out []*Plugin
	add := func(ps []Plugin) {
		for i := range ps {
			out = append(out, &ps[i])
		}
	}
	for i := range c.Services {
		add(c.Services[i].Plugins)
		for j := range c.Services[i].Routes {
			add(c.Services[i].Routes[j].Plugins)
		}
	}
	for i := range c.Routes {
		add(c.Routes[i].Plugins)
	}
	add(c.Plugins)
	return out
}

// AllRoutes lists all routes of a configuration.
func (c *Config) AllRoutes() []*Route {
	var out []*Route
	for i := range c.Services {
		for j := range c.Services[i].Routes {
			out = append(out, &c.Services[i].Routes[j])
		}
	}
	for i := range c.Routes {
		out = append(out, &c.Routes[i])
	}
	return out
}

// Old is a setting of a plugin that Kong will not take for long, or no longer
// takes.
type Old struct {
	Path    []string // in the plugin's config
	Instead string   // path in the config; "" when nothing takes its place
	Gone    string   // the version without it
	Idle    bool     // it is taken, and has no effect
}

// olds by plugin. Source: the plugins' schemas in Kong/kong (shorthand_fields and
// deprecation), and its changelog of 3.0.
var olds = map[string][]Old{
	"rate-limiting":          redisShorthands,
	"response-ratelimiting":  redisShorthands,
	"rate-limiting-advanced": nil,
	"http-log":               queue("queue_size", "flush_timeout"),
	"datadog":                queue("queue_size", "flush_timeout"),
	"statsd":                 queue("queue_size", "flush_timeout"),
	"opentelemetry": append(queue("batch_span_count", "batch_flush_delay")[:2:2],
		Old{Path: []string{"endpoint"}, Instead: "traces_endpoint", Gone: "4.0"}, Old{Path: []string{"header_type"}, Instead: "propagation", Gone: "4.0"}),
	"zipkin":         {{Path: []string{"header_type"}, Instead: "propagation", Gone: "4.0"}, {Path: []string{"default_header_type"}, Instead: "propagation.default_format", Gone: "4.0"}},
	"acl":            lists,
	"bot-detection":  lists,
	"ip-restriction": lists,
	"pre-function":   {{Path: []string{"functions"}, Instead: "access", Gone: "3.0"}},
	"post-function":  {{Path: []string{"functions"}, Instead: "access", Gone: "3.0"}},
}

var lists = []Old{{Path: []string{"whitelist"}, Instead: "allow", Gone: "3.0"}, {Path: []string{"blacklist"}, Instead: "deny", Gone: "3.0"}}

var redisShorthands = func() []Old {
	var out []Old
	for _, f := range []string{"host", "port", "password", "username", "ssl", "ssl_verify", "server_name", "timeout", "database"} {
		out = append(out, Old{Path: []string{"redis_" + f}, Instead: "redis." + f, Gone: "4.0"})
	}
	return out
}()

func queue(size, flush string) []Old {
	return []Old{{Path: []string{size}, Instead: "queue.max_batch_size", Gone: "4.0"}, {Path: []string{flush}, Instead: "queue.max_coalescing_delay", Gone: "4.0"}, {Path: []string{"retry_count"}, Instead: "queue.max_retry_time", Gone: "4.0", Idle: true}}
}

// Olds lists the settings of the plugin that Kong drops.
func (p *Plugin) Olds() []Old {
	var out []Old
	for _, o := range olds[p.Name] {
		if p.Config.Find(o.Path...) != nil {
			out = append(out, o)
		}
	}
	return out
}

// Limit is a rate limit for a span of time.
type Limit struct {
	Unit string // second, minute, hour, day, month, year
	N    float64
	Node *doc.Node
}

// spans of the units, in seconds, as Kong counts them; a month and a year at their
// longest.
var spans = []struct {
	unit    string
	seconds float64
}{{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {"month", 31 * 86400}, {"year", 366 * 86400}}

// Limits of a rate-limiting plugin, by span; unreadable ones are left out.
func (p *Plugin) Limits() []Limit {
	if p.Name != "rate-limiting" {
		return nil
	}
	var out []Limit
	for _, s := range spans {
		n := p.Config.Get(s.unit)
		if n == nil || n.Kind != doc.Int && n.Kind != doc.Float {
			continue
		}
		if v, err := strconv.ParseFloat(n.Text, 64); err == nil && v > 0 {
			out = append(out, Limit{s.unit, v, n})
		}
	}
	return out
}

func seconds(unit string) float64 {
	i := slices.IndexFunc(spans, func(s struct {
		unit    string
		seconds float64
	}) bool {
		return s.unit == unit
	})
	return spans[i].seconds
}

// Idle finds a shorter limit that leaves a longer one nothing to limit: who keeps
// to 10 a minute makes 600 an hour at most. ok is false when the longer one binds.
// Kong counts in fixed windows, which hold a whole number of the shorter ones up
// to a day.
func (l Limit) Idle(shorter []Limit) (by Limit, most float64, ok bool) {
	for _, s := range shorter {
		if m := s.N * seconds(l.Unit) / seconds(s.Unit); seconds(s.Unit) < seconds(l.Unit) && l.N >= m {
			return s, m, true
		}
	}
	return Limit{}, 0, false
}

// known names of templates: what the request-transformer offers, and what Lua
// itself may offer, as a sandbox is set up.
var known = []string{
	"headers", "query_params", "uri_captures", "shared",
	"assert", "error", "ipairs", "kong", "math", "next", "ngx", "os", "pairs", "pcall", "print", "select", "string", "table", "tonumber", "tostring", "type", "unpack", "xpcall", "bit", "utf8", "_G", "require", "coroutine", "rawget", "rawset", "setmetatable", "getmetatable", "load", "loadstring",
	"and", "or", "not", "nil", "true", "false", "function", "return", "end", "local", "if", "then", "else", "elseif", "for", "in", "do", "while", "repeat", "until", "break", "goto",
}

// Template is a name in a template that the request-transformer does not know.
type Template struct {
	Path  []string // in the plugin's config
	Text  string   // of the template, $(...)
	Name  string
	Fails bool // it is called, indexed or joined: every request fails; else it renders empty
}

var (
	luaText  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	luaLocal = regexp.MustCompile(`(?:\blocal\s+(?:function\s+)?|\bfor\s+|\bfunction\s*\()([A-Za-z_][A-Za-z0-9_, ]*)`)
	luaName  = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// Unknown lists the names in a request-transformer's templates that render empty
// or fail.
func (p *Plugin) Unknown() []Template {
	if p.Name != "request-transformer" && p.Name != "request-transformer-advanced" {
		return nil
	}
	var out []Template
	var walk func(n *doc.Node, path []string)
	walk = func(n *doc.Node, path []string) {
		if n == nil {
			return
		}
		for _, e := range n.Entries {
			walk(e.Value, append(slices.Clone(path), e.Key.Text))
		}
		for i, it := range n.Items {
			walk(it, append(slices.Clone(path), strconv.Itoa(i)))
		}
		if n.Kind == doc.String {
			for _, t := range templates(n.Text) {
				out = append(out, unknown(t, path)...)
			}
		}
	}
	walk(p.Config, nil)
	return out
}

// templates are the $(...) of a text, brackets in balance.
func templates(s string) []string {
	var out []string
	for {
		i := strings.Index(s, "$(")
		if i < 0 {
			return out
		}
		depth, end := 0, -1
		for j := i + 1; j < len(s) && end < 0; j++ {
			switch s[j] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					end = j
				}
			}
		}
		if end < 0 {
			return out
		}
		out = append(out, s[i:end+1])
		s = s[end+1:]
	}
}

func unknown(t string, path []string) []Template {
	body := luaText.ReplaceAllString(t[2:len(t)-1], `""`)
	own := map[string]bool{}
	for _, m := range luaLocal.FindAllStringSubmatch(body, -1) {
		for _, n := range luaName.FindAllString(m[1], -1) {
			own[n] = true
		}
	}
	var out []Template
	for _, at := range luaName.FindAllStringIndex(body, -1) {
		name, before, after := body[at[0]:at[1]], strings.TrimRight(body[:at[0]], " \t\n"), strings.TrimSpace(body[at[1]:])
		member := strings.HasSuffix(before, ".") && !strings.HasSuffix(before, "..") || strings.HasSuffix(before, ":")
		number := before != "" && len(before) == at[0] && before[len(before)-1] >= '0' && before[len(before)-1] <= '9' // 0x1F, 1e5
		key := strings.HasPrefix(after, "=") && !strings.HasPrefix(after, "==")                                        // {name = ...}
		if member || number || key || own[name] || slices.Contains(known, name) || slices.ContainsFunc(out, func(x Template) bool { return x.Name == name }) {
			continue
		}
		out = append(out, Template{path, t, name, !harmless(before, after)})
	}
	return out
}

// harmless reports whether nothing may stand between these two: alone, or among
// and, or, comparisons and arguments. Calling, indexing, joining or counting with
// nothing ends the request.
func harmless(before, after string) bool {
	if strings.HasSuffix(before, "..") || before != "" && strings.ContainsRune("+-*/%^#<>", rune(before[len(before)-1])) {
		return false
	}
	for _, ok := range []string{")", ",", ";", "}", "==", "~="} {
		if strings.HasPrefix(after, ok) {
			return true
		}
	}
	word := luaName.FindString(after)
	return after == "" || word == "and" || word == "or" || word == "then" || word == "end"
}

// regexSigns tell a regular expression from a plain path: signs that are rare in a
// path and common in an expression.
var regexSigns = regexp.MustCompile(`\\[dwsDWS./-]|\(\?|[.\])][*+]|\[[^\]]+\]|\([^)]*\)|\.\*|\|`)

// LooksRegex reports whether a path without a tilde was probably meant to be a
// regular expression.
func LooksRegex(path string) bool {
	return !strings.HasPrefix(path, "~") && !strings.HasPrefix(path, "/~") && (regexSigns.MatchString(path) || strings.HasSuffix(path, "$") || strings.HasPrefix(path, "^"))
}
