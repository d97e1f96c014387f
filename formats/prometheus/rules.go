package prometheus

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// RuleFile is a file of rules, or the spec of a PrometheusRule.
type RuleFile struct {
	Groups    []Group `json:"groups"`
	Namespace string  `json:"namespace"` // mimirtool's

	Doc    *doc.Document `json:"-"`
	Node   *doc.Node     `json:"-"`
	Faults []*doc.Fault  `json:"-"`
}

// Group of rules that are evaluated one after the other.
type Group struct {
	Name     string            `json:"name"`
	Interval Duration          `json:"interval"`
	Offset   Duration          `json:"query_offset"`
	Limit    int               `json:"limit"`
	Labels   map[string]string `json:"labels"`
	Rules    []Rule            `json:"rules"`
	Partial  string            `json:"partial_response_strategy"` // Thanos
	Tenants  []string          `json:"source_tenants"`            // Mimir
}

// Rule is an alert, or a series that is recorded.
type Rule struct {
	Alert       string            `json:"alert"`
	Record      string            `json:"record"`
	Expr        string            `json:"expr"`
	For         Duration          `json:"for"`
	Keep        Duration          `json:"keep_firing_for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// IsRules reports whether a node is a file of rules: groups whose rules have
// expressions.
func IsRules(n *doc.Node) bool {
	g := n.Get("groups")
	if n == nil || n.Kind != doc.Map || n.Get("apiVersion") != nil || g == nil || g.Kind != doc.List {
		return false
	}
	for _, it := range g.Items {
		if rules := it.Get("rules"); rules != nil {
			for _, r := range rules.Items {
				if r.Get("expr") != nil {
					return true
				}
			}
		}
	}
	return false
}

// IsResource reports whether a node is a PrometheusRule, whose spec is a file of
// rules.
func IsResource(n *doc.Node) bool {
	group, _, _ := strings.Cut(n.Str("apiVersion"), "/")
	return group == "monitoring.coreos.com" && n.Str("kind") == "PrometheusRule" && n.Get("spec") != nil && n.Get("spec").Kind == doc.Map
}

// ReadRules reads rules at a node of a document.
func ReadRules(d *doc.Document, n *doc.Node) *RuleFile {
	f := &RuleFile{Doc: d, Node: n}
	f.Faults = d.DecodeNode(numbersAsText(n), f)
	seen := map[string]bool{}
	fault := func(path []string, what, hint string) {
		f.Faults = append(f.Faults, d.Fault(n.Find(path...), doc.Value, path, strings.Join(path, ".")+": "+what, hint))
	}
	for i, g := range f.Groups {
		at := []string{"groups", strconv.Itoa(i)}
		switch {
		case g.Name == "":
			fault(at, "a group needs a name", "")
		case seen[g.Name]:
			fault(append(at, "name"), fmt.Sprintf("group %q was there before", g.Name), "Prometheus refuses two groups of one name in a file")
		}
		seen[g.Name] = true
		for j, r := range g.Rules {
			if n.Find(append(at, "rules", strconv.Itoa(j))...).Kind != doc.Map {
				continue // a fault already
			}
			if what, hint := r.fault(); what != "" {
				fault(append(slices.Clone(at), "rules", strconv.Itoa(j)), what, hint)
			}
		}
	}
	return f
}

// numbersAsText: Prometheus takes a number for an expression, and for a label.
func numbersAsText(n *doc.Node) *doc.Node {
	if n.Kind == doc.Int || n.Kind == doc.Float || n.Kind == doc.Bool {
		m := *n
		m.Kind = doc.String
		return &m
	}
	if n.Kind != doc.Map && n.Kind != doc.List {
		return n
	}
	m := *n
	m.Entries, m.Items = nil, nil
	for _, e := range n.Entries {
		if e.Key.Text != "limit" {
			e.Value = numbersAsText(e.Value)
		}
		m.Entries = append(m.Entries, e)
	}
	for _, it := range n.Items {
		m.Items = append(m.Items, numbersAsText(it))
	}
	return &m
}

func (r Rule) fault() (what, hint string) {
	switch {
	case r.Alert != "" && r.Record != "":
		return "a rule is an alert or a record, not both", ""
	case r.Alert == "" && r.Record == "":
		return "a rule needs a name", "add alert or record"
	case strings.TrimSpace(r.Expr) == "":
		return "rule " + cmp.Or(r.Alert, r.Record) + " has no expr", ""
	case r.Record != "" && (r.For != 0 || r.Keep != 0 || len(r.Annotations) > 0):
		return "the record " + r.Record + " has for, keep_firing_for or annotations, which only alerts have", ""
	}
	return "", ""
}

// Matcher is a condition on a label.
type Matcher struct {
	Label, Op, Value string // Op is =, !=, =~ or !~
}

var matcherForm = regexp.MustCompile("([A-Za-z_][A-Za-z0-9_.]*|\"[^\"]+\")\\s*(=~|!~|!=|=)\\s*(\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`)")

// Matchers lists the conditions on labels in the expression.
func (r Rule) Matchers() []Matcher { return matchers(r.Expr) }

func matchers(s string) []Matcher {
	var out []Matcher
	for _, m := range matcherForm.FindAllStringSubmatch(s, -1) {
		v := m[3][1 : len(m[3])-1]
		if m[3][0] != '`' {
			v = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`).Replace(v)
		}
		out = append(out, Matcher{strings.Trim(m[1], `"`), m[2], v})
	}
	return out
}

// Fits reports whether a label's value meets the condition; expressions are
// anchored, as Prometheus has them. One that cannot be read fits nothing.
func (m Matcher) Fits(value string) bool {
	switch m.Op {
	case "=":
		return m.Value == value
	case "!=":
		return m.Value != value
	}
	re, err := regexp.Compile("^(?s:" + m.Value + ")$")
	return err == nil && re.MatchString(value) == (m.Op == "=~")
}

var (
	metricForm = regexp.MustCompile(`[A-Za-z_:][A-Za-z0-9_:]*`)
	quotedForm = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`")
	groupForm  = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)`)
	braceForm  = regexp.MustCompile(`\{[^{}]*\}`)
)

// words of the language that are no metrics, where no bracket follows them.
var words = []string{"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf", "nan", "start", "end"}

// Metrics lists the names of the series that the expression asks for, sorted.
func (r Rule) Metrics() []string {
	s := quotedForm.ReplaceAllString(r.Expr, `""`)
	s = braceForm.ReplaceAllString(groupForm.ReplaceAllString(s, " "), " ")
	var out []string
	for _, at := range metricForm.FindAllStringIndex(s, -1) {
		w := s[at[0]:at[1]]
		if rest := strings.TrimSpace(s[at[1]:]); strings.HasPrefix(rest, "(") || slices.Contains(words, strings.ToLower(w)) {
			continue
		}
		if at[0] > 0 && (s[at[0]-1] >= '0' && s[at[0]-1] <= '9') { // 5m
			continue
		}
		out = append(out, w)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// YAML writes the rules; reading them gives equal ones.
func (f *RuleFile) YAML() ([]byte, error) { return doc.Encode(f) }
