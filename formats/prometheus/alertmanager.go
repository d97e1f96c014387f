package prometheus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Alertmanager is its configuration.
type Alertmanager struct {
	Global    *doc.Node  `json:"global"`
	Route     *Route     `json:"route"`
	Receivers []Receiver `json:"receivers"`
	Inhibit   *doc.Node  `json:"inhibit_rules"`
	Templates []string   `json:"templates"`
	Mute      []Interval `json:"mute_time_intervals"`
	Times     []Interval `json:"time_intervals"`
	Tracing   *doc.Node  `json:"tracing"`
	Recorder  *doc.Node  `json:"event_recorder"`

	Doc    *doc.Document `json:"-"`
	Node   *doc.Node     `json:"-"`
	Faults []*doc.Fault  `json:"-"`
}

// Route says which alerts go to whom; routes below it inherit what they leave out.
type Route struct {
	Receiver string            `json:"receiver"`
	GroupBy  []string          `json:"group_by"`
	Match    map[string]string `json:"match"`
	MatchRE  map[string]string `json:"match_re"`
	Matchers []string          `json:"matchers"`
	Mute     []string          `json:"mute_time_intervals"`
	Active   []string          `json:"active_time_intervals"`
	Continue bool              `json:"continue"`
	Wait     *Duration         `json:"group_wait"`
	Interval *Duration         `json:"group_interval"`
	Repeat   *Duration         `json:"repeat_interval"`
	Labels   map[string]string `json:"labels"`
	Routes   []*Route          `json:"routes"`
}

// Receiver is who is told, and how.
type Receiver struct {
	Name string
	// Ways are the kinds of messages: slack, pagerduty, webhook. None: nobody is told.
	Ways []string
}

// UnmarshalJSON takes name and kinds alone: the rest has secrets.
func (r *Receiver) UnmarshalJSON(b []byte) error {
	f := doc.Read("receiver.json", b, nil)
	if len(f.Docs) == 0 || f.Docs[0].Root.Kind != doc.Map {
		return fmt.Errorf("a receiver is a mapping with a name")
	}
	*r = Receiver{Name: f.Docs[0].Root.Str("name")}
	for _, e := range f.Docs[0].Root.Entries {
		if way, ok := strings.CutSuffix(e.Key.Text, "_configs"); ok && len(e.Value.Items) > 0 {
			r.Ways = append(r.Ways, way)
		}
	}
	slices.Sort(r.Ways)
	return nil
}

// MarshalJSON writes name and kinds.
func (r Receiver) MarshalJSON() ([]byte, error) {
	s := `{"name":` + strconv.Quote(r.Name)
	for _, w := range r.Ways {
		s += `,` + strconv.Quote(w+"_configs") + `:[{}]`
	}
	return []byte(s + "}"), nil
}

// Interval is a time span with a name.
type Interval struct {
	Name  string    `json:"name"`
	Times *doc.Node `json:"time_intervals"`
}

// IsAlertmanager reports whether a node is Alertmanager's configuration.
func IsAlertmanager(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map || n.Get("apiVersion") != nil {
		return false
	}
	route, receivers := n.Get("route"), n.Get("receivers")
	return route != nil && route.Kind == doc.Map && receivers != nil && receivers.Kind == doc.List
}

// ReadAlertmanager reads the configuration at a node of a document.
func ReadAlertmanager(d *doc.Document, n *doc.Node) *Alertmanager {
	a := &Alertmanager{Doc: d, Node: n}
	a.Faults = d.DecodeNode(matchesAsText(n), a)
	fault := func(path []string, what, hint string) {
		a.Faults = append(a.Faults, d.Fault(n.Find(path...), doc.Value, path, strings.Join(path, ".")+": "+what, hint))
	}
	var names, times []string
	for i, r := range a.Receivers {
		at := []string{"receivers", strconv.Itoa(i)}
		if slices.Contains(names, r.Name) {
			fault(append(at, "name"), fmt.Sprintf("receiver %q was there before", r.Name), "")
		}
		names = append(names, r.Name)
	}
	for _, t := range append(slices.Clone(a.Mute), a.Times...) {
		times = append(times, t.Name)
	}
	if a.Route == nil {
		return a
	}
	if a.Route.Receiver == "" {
		fault([]string{"route"}, "the first route needs a receiver, for what no other takes", "")
	}
	if len(a.Route.Match)+len(a.Route.MatchRE)+len(a.Route.Matchers) > 0 {
		fault([]string{"route"}, "the first route takes every alert, and may not have matchers", "put them into a route below it")
	}
	a.Walk(func(r *Route, path []string) {
		if r.Receiver != "" && !slices.Contains(names, r.Receiver) {
			fault(append(slices.Clone(path), "receiver"), fmt.Sprintf("there is no receiver %q", r.Receiver), hint(doc.Nearest(r.Receiver, names)))
		}
		for _, list := range []struct {
			field string
			of    []string
		}{{"mute_time_intervals", r.Mute}, {"active_time_intervals", r.Active}} {
			for i, name := range list.of {
				if !slices.Contains(times, name) {
					fault(append(slices.Clone(path), list.field, strconv.Itoa(i)), fmt.Sprintf("there is no time interval %q", name), hint(doc.Nearest(name, times)))
				}
			}
		}
	})
	return a
}

func hint(near string) string {
	if near == "" {
		return ""
	}
	return "did you mean " + near + "?"
}

// Walk visits all routes, outermost first, with their places.
func (a *Alertmanager) Walk(f func(r *Route, path []string)) {
	var walk func(r *Route, path []string)
	walk = func(r *Route, path []string) {
		if r == nil {
			return
		}
		f(r, path)
		for i, x := range r.Routes {
			walk(x, append(slices.Clone(path), "routes", strconv.Itoa(i)))
		}
	}
	walk(a.Route, []string{"route"})
}

// conditions of a route, old forms included.
func (r *Route) conditions() []Matcher {
	var out []Matcher
	for l, v := range r.Match {
		out = append(out, Matcher{l, "=", v})
	}
	for l, v := range r.MatchRE {
		out = append(out, Matcher{l, "=~", v})
	}
	for _, m := range r.Matchers {
		m = strings.Trim(strings.TrimSpace(m), "{}")
		if quoted := matchers(m); len(quoted) > 0 {
			out = append(out, quoted...)
			continue
		}
		for part := range strings.SplitSeq(m, ",") {
			label, value, ok := strings.Cut(part, "=")
			op := "="
			if !ok {
				label, value, _ = strings.Cut(part, "!~")
				op = "!~"
			} else if strings.HasSuffix(label, "!") {
				label, op = strings.TrimSuffix(label, "!"), "!="
			} else if strings.HasPrefix(value, "~") {
				value, op = value[1:], "=~"
			}
			out = append(out, Matcher{strings.TrimSpace(label), op, strings.Trim(strings.TrimSpace(value), `"'`)})
		}
	}
	return out
}

// To lists the receivers that an alert with these labels reaches. sure is false
// where that hangs on labels that are not known.
func (a *Alertmanager) To(labels map[string]string) (receivers []string, sure bool) {
	sure = true
	var walk func(r *Route, receiver string) bool
	walk = func(r *Route, receiver string) bool {
		for _, m := range r.conditions() {
			v, known := labels[m.Label]
			if !known || strings.Contains(v, "{{") {
				sure = false
				return false
			}
			if !m.Fits(v) {
				return false
			}
		}
		if r.Receiver != "" {
			receiver = r.Receiver
		}
		taken := false
		for _, x := range r.Routes {
			if x == nil || !walk(x, receiver) {
				continue
			}
			if taken = true; !x.Continue {
				return true
			}
		}
		if !taken {
			receivers = append(receivers, receiver)
		}
		return true
	}
	if a.Route != nil {
		walk(a.Route, "")
	}
	return receivers, sure
}

// Tells reports whether a receiver tells anybody; known is false where there is no
// such receiver.
func (a *Alertmanager) Tells(receiver string) (anybody, known bool) {
	i := slices.IndexFunc(a.Receivers, func(r Receiver) bool { return r.Name == receiver })
	return i >= 0 && len(a.Receivers[i].Ways) > 0, i >= 0
}

// YAML writes the configuration; reading it gives an equal one, the secrets of
// receivers aside.
func (a *Alertmanager) YAML() ([]byte, error) { return doc.Encode(a) }

// matchesAsText: the values that labels are matched with are text, however they
// are written.
func matchesAsText(n *doc.Node) *doc.Node {
	if n.Kind != doc.Map && n.Kind != doc.List {
		return n
	}
	m := *n
	m.Entries, m.Items = nil, nil
	for _, e := range n.Entries {
		switch e.Key.Text {
		case "match", "match_re", "source_match", "source_match_re", "target_match", "target_match_re":
			e.Value = numbersAsText(e.Value)
		case "route", "routes", "inhibit_rules":
			e.Value = matchesAsText(e.Value)
		}
		m.Entries = append(m.Entries, e)
	}
	for _, it := range n.Items {
		m.Items = append(m.Items, matchesAsText(it))
	}
	return &m
}
