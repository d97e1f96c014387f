package strangler_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/split/plan"
	"github.com/ashlar-dev/ashlar/design/split/strangler"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/gatewayapi"
	"github.com/ashlar-dev/ashlar/formats/istio"
	"github.com/ashlar-dev/ashlar/formats/kong"
	"github.com/ashlar-dev/ashlar/formats/nginx"
)

func shop() plan.Plan {
	route := func(to, method, path string) plan.Route { return plan.Route{To: to, Method: method, Path: path} }
	return plan.Plan{Steps: []plan.Step{
		{Kind: plan.Border},
		{Kind: plan.Extract, Routes: []plan.Route{
			route("account", "GET", "/accounts/{id}"), route("account", "POST", "/accounts"), route("account", "", "/sign-on/**"),
			route("account", "GET", "/accounts/{id}"), // twice
		}},
		{Kind: plan.Extract, Routes: []plan.Route{route("catalog", "GET", "/products/:sku/image.png")}},
		{Kind: plan.Extract}, // answers no HTTP
	}}
}

// Each kind is as its golden file says, and has no fault for the format's own
// reader.
func TestWrite(t *testing.T) {
	t.Parallel()
	for _, target := range strangler.Targets() {
		got, err := strangler.Write(target, shop(), strangler.Options{Monolith: "petstore:9090", Percent: 10})
		if err != nil {
			t.Fatal(target, err)
		}
		file := filepath.Join("testdata", target+".golden")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || got != string(want) {
			t.Errorf("%s changed (UPDATE=1 go test, then look at the difference): %v\n%s", target, err, got)
		}
		for _, f := range faults(target, got) {
			t.Errorf("%s: %v", target, f)
		}
	}
}

// faults reads a configuration back.
func faults(target, text string) (out []*doc.Fault) {
	if target == "nginx" {
		if c := nginx.Read("x.conf", []byte(text)); len(c.Passes) != 1 {
			return []*doc.Fault{{}}
		}
		return nil
	}
	for _, d := range doc.Read("x.yaml", []byte(text), nil).Docs {
		switch target {
		case "kong":
			out = append(out, kong.Read(d).Faults...)
		case "istio":
			for _, o := range istio.Specs(d) {
				out = append(out, o.Faults...)
			}
		case "gateway-api":
			for _, o := range gatewayapi.Objects(d) {
				out = append(out, o.Faults...)
			}
		}
	}
	return out
}

// The share is in the configuration at both ends, and nothing else is.
func TestShares(t *testing.T) {
	t.Parallel()
	for _, percent := range []int{0, 100} {
		for _, target := range strangler.Targets() {
			got, err := strangler.Write(target, shop(), strangler.Options{Percent: percent})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range faults(target, got) {
				t.Errorf("%s at %d %%: %v", target, percent, f)
			}
		}
	}
}

// Paths match what the code's router would send there.
func TestExpressions(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ yes, no string }{
		"/orders/{id}":                 {"/orders/7", "/orders/7/lines"},
		"/orders/{id:[0-9]+}/lines":    {"/orders/7/lines", "/orders/7"},
		"/users/<int:id>":              {"/users/7", "/users/"},
		"/files/{path...}":             {"/files/a/b.txt", "/file"},
		"/actions/Account.action":      {"/actions/Account.action", "/actions/AccountXaction"},
		"/v1/*/items":                  {"/v1/eu/items", "/v1/eu/x/items"},
		"static/**":                    {"/static/js/app.js", "/"},
		"/carts/:cart_id/lines/:line.": {"/carts/1/lines/2.", "/carts/1/lines/"},
	} {
		p := plan.Plan{Steps: []plan.Step{{Kind: plan.Extract, Routes: []plan.Route{{To: "x", Path: path}}}}}
		text, err := strangler.Write("nginx", p, strangler.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`"~\^\[A-Z\]\+ (.*)\$" x;`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%s: no pattern in\n%s", path, text)
		}
		re := regexp.MustCompile("^" + m[1] + "$")
		if !re.MatchString(c.yes) || re.MatchString(c.no) {
			t.Errorf("%s became %s: %s %v, %s %v", path, m[1], c.yes, re.MatchString(c.yes), c.no, re.MatchString(c.no))
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]func() (string, error){
		"want one of kong":       func() (string, error) { return strangler.Write("traefik", shop(), strangler.Options{}) },
		"120 percent":            func() (string, error) { return strangler.Write("kong", shop(), strangler.Options{Percent: 120}) },
		"host or host:port":      func() (string, error) { return strangler.Write("kong", shop(), strangler.Options{Monolith: "a b"}) },
		"name a context to extr": func() (string, error) { return strangler.Write("kong", plan.Plan{}, strangler.Options{}) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
