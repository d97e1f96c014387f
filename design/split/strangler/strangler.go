// Package strangler writes the routes of a cut-over as configuration: what a
// context answers goes to its new service for a share of the clients, everything
// else stays with the monolith. M. Fowler, "StranglerFigApplication" (2004).
//
// Every configuration lets a request choose by the header [Header], so that the
// new way can be tried before anybody else meets it.
package strangler

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/split/plan"
)

// Header names the service that is to answer a request, or the monolith, whatever
// the share is.
const Header = "x-cutover"

// ErrNothing is given for a plan without a service that answers HTTP.
var ErrNothing = errors.New("the plan makes no service that answers HTTP: name a context to extract")

// Options of [Write]; the zero value is 0 % to services on port 8080.
type Options struct {
	// Monolith is where the monolith is reached, host or host:port; default
	// "monolith:8080".
	Monolith string
	// Port of the new services, whose hosts are called as the contexts; default 8080.
	Port int
	// Percent of the clients (nginx, Kong) or requests (Istio, Gateway API) that go
	// to the new service, 0 to 100.
	Percent int
}

// Validate names every fault.
func (o Options) Validate() error {
	var errs []error
	if o.Percent < 0 || o.Percent > 100 {
		errs = append(errs, fmt.Errorf("%d percent: want 0 to 100", o.Percent))
	}
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("port %d: want 1 to 65535", o.Port))
	}
	if o.Monolith != "" && !address.MatchString(o.Monolith) {
		errs = append(errs, fmt.Errorf("monolith %q: want a host or host:port", o.Monolith))
	}
	return errors.Join(errs...)
}

var address = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// writers are the kinds of configuration, by name.
var writers = map[string]func(*strings.Builder, []service, Options){
	"kong": kong, "istio": istio, "gateway-api": gatewayAPI, "nginx": nginx,
}

// Targets are the kinds of configuration that [Write] knows.
func Targets() []string { return []string{"kong", "istio", "gateway-api", "nginx"} }

// Write gives the configuration for the routes of a plan's steps that extract. It
// fails when the plan extracts nothing that answers HTTP.
func Write(target string, p plan.Plan, o Options) (string, error) {
	write, ok := writers[target]
	if !ok {
		return "", fmt.Errorf("routes as %q: want one of %s", target, strings.Join(Targets(), ", "))
	}
	if err := o.Validate(); err != nil {
		return "", err
	}
	o.Monolith, o.Port = cmp.Or(o.Monolith, "monolith:8080"), cmp.Or(o.Port, 8080)
	if !strings.Contains(o.Monolith, ":") {
		o.Monolith += ":8080"
	}
	services := services(p)
	if len(services) == 0 {
		return "", ErrNothing
	}
	var b strings.Builder
	write(&b, services, o)
	return b.String(), nil
}

// service is a context with the requests that it will answer.
type service struct {
	name   string
	routes []route
}

// route is a request's path, as a regular expression without anchors, and method.
type route struct {
	method string // "" for any
	path   string
	plain  bool // path has no wildcard; expr is the path, escaped
	expr   string
}

func services(p plan.Plan) []service {
	var out []service
	for _, s := range p.Steps {
		if s.Kind != plan.Extract || len(s.Routes) == 0 {
			continue
		}
		x := service{name: s.Routes[0].To}
		seen := map[string]bool{}
		for _, r := range s.Routes {
			rt := route{method: strings.ToUpper(r.Method), path: r.Path}
			if !strings.HasPrefix(rt.path, "/") {
				rt.path = "/" + rt.path
			}
			if rt.method == "ANY" || rt.method == "*" {
				rt.method = ""
			}
			rt.expr, rt.plain = expression(rt.path)
			if key := rt.method + " " + rt.expr; !seen[key] {
				seen[key] = true
				x.routes = append(x.routes, rt)
			}
		}
		// Literal paths before patterns: targets that take the first match need it.
		slices.SortStableFunc(x.routes, func(a, b route) int {
			switch {
			case a.plain && !b.plain:
				return -1
			case b.plain && !a.plain:
				return 1
			}
			return 0
		})
		out = append(out, x)
	}
	return out
}

var parameter = regexp.MustCompile(`\{[^{}]*\}|:[A-Za-z_][A-Za-z0-9_]*|<[^<>]*>|\*+`)

// expression makes a regular expression of a path with parameters as the common
// frameworks write them: {id}, :id, <int:id>, *, **, {rest...}.
func expression(path string) (expr string, plain bool) {
	var b strings.Builder
	at := 0
	for _, m := range parameter.FindAllStringIndex(path, -1) {
		b.WriteString(regexp.QuoteMeta(path[at:m[0]]))
		switch p := path[m[0]:m[1]]; {
		case p == "{$}": // the end of a Go pattern
		case strings.HasPrefix(p, "**") || strings.HasSuffix(p, "...}") || strings.HasPrefix(p, "<path:") || p == "*" && m[1] == len(path):
			b.WriteString(".*")
		default:
			b.WriteString("[^/]+")
		}
		at = m[1]
	}
	b.WriteString(regexp.QuoteMeta(path[at:]))
	return b.String(), at == 0
}

func host(address string) string { h, _, _ := strings.Cut(address, ":"); return h }

func port(address string) string { _, p, _ := strings.Cut(address, ":"); return p }
