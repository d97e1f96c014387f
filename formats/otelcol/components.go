package otelcol

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Gone is a component that releases no longer have.
type Gone struct {
	Since   string // the first release without it
	Instead string // what does its work now
	Because string // where that was decided
}

// gone by section and type. Sources: the changelogs of opentelemetry-collector and
// opentelemetry-collector-contrib, and the pull requests that removed them.
var gone = map[string]map[string]Gone{
	Exporters: {
		"jaeger":        {"v0.85.0", "the otlp exporter; Jaeger takes OTLP on port 4317 since 1.35", "opentelemetry-collector-contrib#26546"},
		"jaeger_thrift": {"v0.85.0", "the otlphttp exporter; Jaeger takes OTLP on port 4318 since 1.35", "opentelemetry-collector-contrib#26546"},
		"logging":       {"v0.111.0", "the debug exporter, with verbosity in place of loglevel", "opentelemetry-collector#11037"},
	},
	Processors: {
		"spanmetrics": {"v0.96.0", "the spanmetrics connector", "opentelemetry-collector-contrib#31508"},
	},
	Extensions: {
		"memory_ballast": {"v0.109.0", "the variable GOMEMLIMIT", "opentelemetry-collector#10671"},
	},
}

// Removed tells of a component that current releases do not have.
func Removed(section, id string) (Gone, bool) {
	g, ok := gone[section][Type(id)]
	return g, ok
}

// Fault is a setting of a component that the Collector refuses, or does not mean
// what it seems to.
type Fault struct {
	Path []string // in the configuration
	What string
	Fix  string
}

// verbosity by the level that the logging exporter took.
var verbosity = map[string]string{"debug": "detailed", "info": "normal", "warn": "basic", "error": "basic"}

// Verbosity is the value of `verbosity` that does what `loglevel` did.
func Verbosity(loglevel string) string {
	if v, ok := verbosity[strings.ToLower(loglevel)]; ok {
		return v
	}
	return "normal"
}

// actions of the attributes and resource processors, with what each asks for
// beside the key; one of the names is enough.
var actions = map[string][]string{
	"insert": {"value", "from_attribute", "from_context", "default_value"}, "update": {"value", "from_attribute", "from_context", "default_value"}, "upsert": {"value", "from_attribute", "from_context", "default_value"},
	"delete": nil, "hash": nil, "extract": {"pattern"}, "convert": {"converted_type"},
}

// Actions lists what the attributes processor can do to an attribute.
func Actions() []string {
	var out []string
	for a := range actions {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// ActionFaults finds what is wrong with the actions of the processors attributes
// and resource. Both refuse to start with any of it.
func (c *Config) ActionFaults() []Fault {
	var out []Fault
	for _, id := range names(c.Processors) {
		list := map[string]string{"attributes": "actions", "resource": "attributes"}[Type(id)]
		at := []string{Processors, id, list}
		n := c.Processors[id]
		if list == "" {
			continue
		}
		items := n.Get(list)
		switch {
		case elsewhere(n) || items != nil && elsewhere(items):
			continue
		case items == nil || items.Kind != doc.List || len(items.Items) == 0:
			out = append(out, Fault{at[:2], id + " has no " + list + ": there is nothing that it would do", "Say what it does to which key, or take it out."})
			continue
		}
		for i, a := range items.Items {
			if what, fix := actionFault(a); what != "" {
				out = append(out, Fault{append(slices.Clone(at), strconv.Itoa(i)), id + ": " + what, fix})
			}
		}
	}
	return out
}

func actionFault(a *doc.Node) (what, fix string) {
	if a.Kind != doc.Map || elsewhere(a) {
		return "", ""
	}
	key, action := a.Str("key"), strings.ToLower(a.Str("action"))
	needs, known := actions[action]
	name := "an action"
	if key != "" {
		name = "the action on " + key
	}
	switch {
	case a.Get("action") == nil || a.Get("action").Text == "":
		return name + " does not say what to do", "Add `action:` with one of " + strings.Join(Actions(), ", ") + "."
	case strings.HasPrefix(action, "${"):
		return "", ""
	case !known:
		fix = "Write one of " + strings.Join(Actions(), ", ") + "."
		if near := doc.Nearest(action, Actions()); near != "" {
			fix = "Did you mean " + near + "?"
		}
		return name + " is " + a.Str("action") + ", which there is not", fix
	case key == "" && (action != "delete" && action != "hash" || a.Get("pattern") == nil):
		return "an action " + action + " names no key", "Add `key:` with the attribute."
	case len(needs) > 0 && !slices.ContainsFunc(needs, func(f string) bool { return a.Get(f) != nil }):
		return name + " (" + action + ") has no " + strings.Join(needs, ", nor "), "Add one of " + strings.Join(needs, ", ") + "."
	}
	return "", ""
}

// Samplers are processors that drop traces or spans.
var Samplers = []string{"tail_sampling", "probabilistic_sampler"}

// Detached are processors that take data and answer at once, so that what a later
// one refuses does not reach the receiver.
var Detached = []string{"batch", "groupbytrace", "tail_sampling"}

func names[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
