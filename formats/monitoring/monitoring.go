// Package monitoring reads from the Prometheus operator's ServiceMonitor and
// PodMonitor which services and pods are scraped for metrics.
//
// It only reads.
package monitoring

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Monitor is a ServiceMonitor or a PodMonitor.
type Monitor struct {
	Kind, Namespace, Name string
	Labels                map[string]string // that what it selects has; empty selects all
	Expressions           []Expression      // that hold too
	AnyNamespace          bool
	Namespaces            []string // where it selects; empty: its own
	Endpoints             []Endpoint
	Node                  *doc.Node
}

// Expression is one of matchExpressions.
type Expression struct {
	Key, Operator string // In, NotIn, Exists, DoesNotExist
	Values        []string
}

// Endpoint is scraped.
type Endpoint struct{ Port, Path, Interval string }

// Read returns the monitor that a document is, or nil.
func Read(d *doc.Document) *Monitor {
	n := d.Root
	m := &Monitor{Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Labels: map[string]string{}, Node: n}
	endpoints := map[string]string{"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}[m.Kind]
	if !strings.HasPrefix(n.Str("apiVersion"), "monitoring.coreos.com/") || endpoints == "" {
		return nil
	}
	spec := n.Get("spec")
	if l := spec.Find("selector", "matchLabels"); l != nil {
		for _, e := range l.Entries {
			m.Labels[e.Key.Text] = e.Value.Text
		}
	}
	for _, x := range items(spec.Find("selector", "matchExpressions")) {
		m.Expressions = append(m.Expressions, Expression{x.Str("key"), x.Str("operator"), texts(x.Get("values"))})
	}
	m.AnyNamespace = spec.Str("namespaceSelector", "any") == "true"
	m.Namespaces = texts(spec.Find("namespaceSelector", "matchNames"))
	for _, x := range items(spec.Get(endpoints)) {
		m.Endpoints = append(m.Endpoints, Endpoint{x.Str("port"), x.Str("path"), x.Str("interval")})
	}
	return m
}

func items(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

func texts(n *doc.Node) (out []string) {
	for _, x := range items(n) {
		out = append(out, x.Text)
	}
	return out
}

// Selects reports whether the monitor takes something of a namespace with labels.
func (m *Monitor) Selects(namespace string, labels map[string]string) bool {
	if !m.AnyNamespace && namespace != m.Namespace && !slices.Contains(m.Namespaces, namespace) {
		return false
	}
	if len(m.Namespaces) > 0 && !slices.Contains(m.Namespaces, namespace) {
		return false
	}
	for k, v := range m.Labels {
		if labels[k] != v {
			return false
		}
	}
	for _, e := range m.Expressions {
		v, has := labels[e.Key]
		ok := map[string]bool{"In": has && slices.Contains(e.Values, v), "NotIn": !has || !slices.Contains(e.Values, v), "Exists": has, "DoesNotExist": !has}[e.Operator]
		if !ok {
			return false
		}
	}
	return true
}

// String names the object for people: "ServiceMonitor shop/order".
func (m *Monitor) String() string {
	return m.Kind + " " + strings.TrimPrefix(m.Namespace+"/"+m.Name, "/")
}
