// Package otelcol reads configurations of the OpenTelemetry Collector, as files
// and inside OpenTelemetryCollector resources (v1beta1, where the configuration is
// a mapping, and v1alpha1, where it is one long text), with the place of every
// part. It knows which components are gone and which of the settings in common
// use no version takes any more.
//
// The Collector lays several files over one another: maps are joined, lists are
// replaced. A file that names parts which it does not define may thus be in order.
package otelcol

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Config is one configuration, or one layer of it.
type Config struct {
	Receivers  map[string]*doc.Node `json:"receivers"` // by ID: type, or type/name
	Processors map[string]*doc.Node `json:"processors"`
	Exporters  map[string]*doc.Node `json:"exporters"`
	Connectors map[string]*doc.Node `json:"connectors"`
	Extensions map[string]*doc.Node `json:"extensions"`
	Service    Service              `json:"service"`

	Doc    *doc.Document `json:"-"`
	Node   *doc.Node     `json:"-"` // of the configuration
	Faults []*doc.Fault  `json:"-"`
	// Open says that parts come from the environment or from other files, so that
	// what is missing here may stand there.
	Open bool `json:"-"`
}

// Service says which components run.
type Service struct {
	Extensions []string            `json:"extensions"`
	Pipelines  map[string]Pipeline `json:"pipelines"` // by ID: signal, or signal/name
	Telemetry  *doc.Node           `json:"telemetry"`
}

// Pipeline is the way of one signal through the Collector.
type Pipeline struct {
	Receivers  []string `json:"receivers"`  // connectors too
	Processors []string `json:"processors"` // in their order
	Exporters  []string `json:"exporters"`  // connectors too
}

// Sections of components, in the words of the file.
const (
	Receivers  = "receivers"
	Processors = "processors"
	Exporters  = "exporters"
	Connectors = "connectors"
	Extensions = "extensions"
)

// Sections lists them.
func Sections() []string {
	return []string{Receivers, Processors, Exporters, Connectors, Extensions}
}

// Signals that pipelines carry.
var Signals = []string{"traces", "metrics", "logs", "profiles"}

// Is reports whether a node is a configuration: pipelines, or at least two
// sections of components.
func Is(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map || n.Get("apiVersion") != nil {
		return false
	}
	sections := 0
	for _, s := range Sections() {
		if x := n.Get(s); x != nil && x.Kind == doc.Map {
			sections++
		} else if x != nil && x.Kind == doc.List {
			return false
		}
	}
	p := n.Find("service", "pipelines")
	return sections >= 2 || sections >= 1 && n.Get("service") != nil && n.Get("service").Kind == doc.Map || p != nil && p.Kind == doc.Map
}

// Read reads the configuration at a node of a document.
func Read(d *doc.Document, n *doc.Node) *Config {
	c := &Config{Doc: d, Node: n}
	c.Faults = d.DecodeNode(c.known(n, true), c)
	for _, s := range Sections() {
		for id := range c.In(s) {
			c.checkID(s, id)
		}
	}
	for id := range c.Service.Pipelines {
		if signal, _, _ := strings.Cut(id, "/"); !slices.Contains(Signals, signal) {
			hint := "a pipeline is called after its signal: " + strings.Join(Signals, ", ")
			c.Faults = append(c.Faults, d.Fault(n.Find("service", "pipelines").KeyNode(id), doc.Value, []string{"service", "pipelines", id}, "service.pipelines."+id+": there is no such signal", hint))
		}
	}
	slices.SortFunc(c.Faults, func(a, b *doc.Fault) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return c
}

// known copies what is there to see: sections, pipelines and names that come
// from elsewhere (${env:X}, ${file:x.yaml}) are left out, and remembered. The
// settings of components stay as they are.
func (c *Config) known(n *doc.Node, root bool) *doc.Node {
	m := *n
	m.Entries, m.Items = nil, nil
	for _, e := range n.Entries {
		if elsewhere(e.Value) {
			c.Open = true
			continue
		}
		if (!root || e.Key.Text == "service") && e.Key.Text != "telemetry" && (e.Value.Kind == doc.Map || e.Value.Kind == doc.List) {
			e.Value = c.known(e.Value, false)
		}
		m.Entries = append(m.Entries, e)
	}
	for _, it := range n.Items {
		if elsewhere(it) {
			c.Open = true
			continue
		}
		m.Items = append(m.Items, it)
	}
	return &m
}

func elsewhere(n *doc.Node) bool {
	return n.Kind == doc.String && strings.HasPrefix(n.Text, "${") && strings.HasSuffix(n.Text, "}")
}

func (c *Config) checkID(section, id string) {
	typ, name, named := strings.Cut(id, "/")
	if typ != "" && typ == strings.TrimSpace(typ) && (!named || strings.TrimSpace(name) != "") {
		return
	}
	c.Faults = append(c.Faults, c.Doc.Fault(c.Node.Get(section).KeyNode(id), doc.Value, []string{section, id}, section+"."+strconv.Quote(id)+": this is no name of a component", "write type or type/name"))
}

// In returns the components of a section; nil for another word.
func (c *Config) In(section string) map[string]*doc.Node {
	switch section {
	case Receivers:
		return c.Receivers
	case Processors:
		return c.Processors
	case Exporters:
		return c.Exporters
	case Connectors:
		return c.Connectors
	case Extensions:
		return c.Extensions
	}
	return nil
}

// Type is the type of a component: otlp of otlp/backend.
func Type(id string) string {
	t, _, _ := strings.Cut(id, "/")
	return t
}

// Signal is what a pipeline carries: traces of traces/2.
func Signal(pipeline string) string { return Type(pipeline) }

// Place is where an ID stands in a list of a pipeline.
func (c *Config) Place(pipeline, list, id string) []string {
	path := []string{"service", "pipelines", pipeline, list}
	if l := c.Node.Find(path...); l != nil {
		for i, it := range l.Items {
			if it.Text == id {
				return append(path, strconv.Itoa(i))
			}
		}
	}
	return path
}

// YAML writes the configuration; reading it gives an equal one.
func (c *Config) YAML() ([]byte, error) { return doc.Encode(c) }
