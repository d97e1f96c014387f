package otelcol

import (
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Group of the operator's resources.
const Group = "opentelemetry.io"

// Resource is an OpenTelemetryCollector of the operator.
type Resource struct {
	APIVersion, Namespace, Name string
	Mode                        string // deployment (the default), daemonset, statefulset, sidecar
	Replicas                    *doc.Node
	Node                        *doc.Node
	Config                      *Config // nil when it has none that can be read
	File                        *doc.File
}

// Service is the name of the Service that the operator makes for a Collector that
// is no sidecar.
func (r *Resource) Service() string { return r.Name + "-collector" }

// Resources lists the OpenTelemetryCollector resources of a document: itself, or
// the items of a List.
func Resources(d *doc.Document) []*Resource {
	nodes := []*doc.Node{d.Root}
	if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
		nodes = items.Items
	}
	var out []*Resource
	for _, n := range nodes {
		if group, _, _ := strings.Cut(n.Str("apiVersion"), "/"); group != Group || n.Str("kind") != "OpenTelemetryCollector" {
			continue
		}
		r := &Resource{APIVersion: n.Str("apiVersion"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Mode: n.Str("spec", "mode"), Replicas: n.Find("spec", "replicas"), Node: n}
		if r.Mode == "" {
			r.Mode = "deployment"
		}
		switch c := n.Find("spec", "config"); {
		case c == nil:
		case c.Kind == doc.Map:
			r.Config = Read(d, c)
		case c.Kind == doc.String:
			r.File = d.Embedded(c, nil)
			if len(r.File.Docs) > 0 && r.File.Docs[0].Root.Kind == doc.Map {
				r.Config = Read(r.File.Docs[0], r.File.Docs[0].Root)
			}
		}
		out = append(out, r)
	}
	return out
}

// String names the resource for people.
func (r *Resource) String() string {
	if r.Namespace != "" {
		return "OpenTelemetryCollector " + r.Namespace + "/" + r.Name
	}
	return "OpenTelemetryCollector " + r.Name
}
