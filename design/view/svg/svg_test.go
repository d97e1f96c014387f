package svg_test

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/internal/sample"
	"github.com/ashlar-dev/ashlar/design/view/layout"
	"github.com/ashlar-dev/ashlar/design/view/svg"
)

func render(t *testing.T, g view.Graph, o *svg.Options) string {
	t.Helper()
	p, err := layout.Place(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(svg.Render(p, o))
}

func shop() view.Graph {
	return view.Services(sample.Shop(), &view.Options{Findings: []view.Finding{
		{Of: "service/order", Badge: view.Badge{Severity: view.High, Rule: "resilience/single-replica", Title: "one replica"}},
		{From: "op/order.Place", To: "op/inventory.Check", Badge: view.Badge{Severity: view.Medium, Rule: "resilience/no-timeout", Title: "no timeout"}},
	}})
}

func TestNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	s := render(t, shop(), nil)
	for _, bad := range []string{"<script", "<image", "@import", "url(", "href", "<foreignObject"} {
		if strings.Contains(s, bad) {
			t.Errorf("the picture contains %s", bad)
		}
	}
	if n := strings.Count(s, `="http`); n != 1 { // the namespace
		t.Errorf("%d attributes lead elsewhere", n-1)
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	s := render(t, shop(), nil)
	for _, want := range []string{
		`data-ref="service/order" data-kind="service"`, `data-severity="high" data-rules="resilience/single-replica"`,
		`data-from="service/order" data-to="service/inventory" data-kind="sync" data-severity="medium"`,
		"timeout: 200ms (code)", "tries: 3", "medium: no timeout [resilience/no-timeout]", "prefers-color-scheme:dark", "search: something names this service",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("the picture lacks %s", want)
		}
	}
}

func TestTwoInOnePage(t *testing.T) {
	t.Parallel()
	a, b := render(t, shop(), &svg.Options{ID: "first"}), render(t, shop(), &svg.Options{ID: "second"})
	if strings.Contains(a, "second") || strings.ReplaceAll(a, "first", "second") != b {
		t.Error("pictures of two ids differ in more than the id")
	}
	for _, rule := range regexp.MustCompile(`(?m)[^{}\n]+\{`).FindAllString(between(a, "<style>", "</style>"), -1) {
		if !strings.HasPrefix(rule, "@media") && strings.Count(rule, "#first") < strings.Count(rule, ",")+1 {
			t.Errorf("the rule %s reaches beyond its picture", rule)
		}
	}
}

func TestThemes(t *testing.T) {
	t.Parallel()
	if s := render(t, shop(), &svg.Options{Theme: "light"}); strings.Contains(s, "prefers-color-scheme") {
		t.Error("a light picture turns dark")
	}
	if s := render(t, shop(), &svg.Options{Theme: "dark"}); strings.Contains(s, "prefers-color-scheme") || !strings.Contains(s, "--bg:#12161c") {
		t.Error("a dark picture is not")
	}
	if s := render(t, shop(), &svg.Options{Bare: true}); strings.Contains(s, `class="legend"`) || strings.Contains(s, `font-size="20"`) {
		t.Error("a bare picture has a legend or a title")
	}
}

// TestContrast: WCAG 2.2 asks for 4.5 to 1 for text and 3 to 1 for lines that
// mean something.
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, theme := range []string{"light", "dark"} {
		v := variables(render(t, shop(), &svg.Options{Theme: theme}))
		if len(v) < 30 {
			t.Fatalf("%s: only %d colours found", theme, len(v))
		}
		for name := range v {
			switch fill, line := strings.CutSuffix(name, "line"); {
			case name == "groupline": // an area is also told by its name
			case line:
				atLeast(t, theme, v, name, "bg", 3)
				atLeast(t, theme, v, name, fill, 3)
				atLeast(t, theme, v, "ink", fill, 4.5)
				atLeast(t, theme, v, "muted", fill, 4.5)
			case len(name) == 2 && name[0] == 'g':
				continue
			}
		}
		for _, name := range []string{"ink", "muted"} {
			atLeast(t, theme, v, name, "bg", 4.5)
			atLeast(t, theme, v, name, "group", 4.5)
		}
		for _, name := range []string{"critical", "high", "medium", "low", "info"} {
			atLeast(t, theme, v, "onbadge", name, 4.5)
		}
		for _, name := range []string{"call", "added", "removed", "changed"} {
			atLeast(t, theme, v, name, "bg", 3)
		}
	}
}

func atLeast(t *testing.T, theme string, v map[string]string, a, b string, want float64) {
	t.Helper()
	if c := contrast(v[a], v[b]); c < want {
		t.Errorf("%s: %s %s on %s %s has a contrast of %.2f, want %.1f", theme, a, v[a], b, v[b], c, want)
	}
}

func variables(s string) map[string]string {
	v := map[string]string{}
	for _, m := range regexp.MustCompile(`--(\w+):(#[0-9a-f]{6})`).FindAllStringSubmatch(s, -1) {
		v[m[1]] = m[2]
	}
	return v
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + .05) / (math.Min(x, y) + .05)
}

func luminance(hex string) float64 {
	sum := 0.
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, _ := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// TestKindsDifferWithoutColour strips the colours: no two signs of the legend
// may then look the same.
func TestKindsDifferWithoutColour(t *testing.T) {
	t.Parallel()
	var g view.Graph
	for i, m := range []view.Mark{{Node: view.Person}, {Node: view.Context}, {Node: view.Service}, {Node: view.Service, Role: arch.RoleUI}, {Node: view.Service, Role: arch.RoleJob}, {Node: view.Gateway},
		{Node: view.Service, Role: "infrastructure"}, {Node: view.Service, Role: arch.RoleLoadgen}, {Node: view.Store}, {Node: view.Store, Role: "cache"}, {Node: view.Table}, {Node: view.Topic}, {Node: view.Event},
		{Node: view.External}, {Missing: true}, {Severity: view.Critical}, {Severity: view.High}, {Severity: view.Medium}} {
		m.Text = strconv.Itoa(i)
		g.Legend = append(g.Legend, m)
	}
	seen := map[string]string{}
	for _, m := range g.Legend {
		one := string(svg.Render(layout.Placed{Graph: view.Graph{Legend: []view.Mark{m}}}, nil))
		_, one, _ = strings.Cut(one, `<g class="legend">`)
		one = regexp.MustCompile(`(class|fill|stroke)="[^"]*"`).ReplaceAllString(one, "")
		one = regexp.MustCompile(`<text.*`).ReplaceAllString(one, "")
		if old, ok := seen[one]; ok {
			t.Errorf("sign %+v looks like sign %s but for its colour", m, old)
		}
		seen[one] = m.Text
	}
}

func TestSameBytes(t *testing.T) {
	t.Parallel()
	if a, b := render(t, shop(), nil), render(t, shop(), nil); !bytes.Equal([]byte(a), []byte(b)) {
		t.Error("two pictures of one graph differ")
	}
}
