package kong

import (
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Group of the ingress controller's resources.
const Group = "configuration.konghq.com"

// Annotations of the ingress controller, without their prefix konghq.com/, that
// say how a Service is reached. Times are milliseconds.
const (
	AnnotationPrefix   = "konghq.com/"
	AnnotationPlugins  = AnnotationPrefix + "plugins"  // names of KongPlugins, by commas
	AnnotationOverride = AnnotationPrefix + "override" // name of a KongIngress
)

// Resource is a KongPlugin, KongClusterPlugin or KongIngress.
type Resource struct {
	APIVersion, Kind, Namespace, Name string
	Doc                               *doc.Document
	Node                              *doc.Node
	Plugin                            *Plugin  // of KongPlugin and KongClusterPlugin
	Override                          *Ingress // of KongIngress
	Global                            bool     // a cluster plugin that holds for everything
	Faults                            []*doc.Fault
}

// Ingress is a KongIngress: what the annotations of a Service or Ingress say too.
type Ingress struct {
	meta
	Upstream *doc.Node `json:"upstream"`
	Proxy    *Service  `json:"proxy"` // protocol, path, retries and times
	Route    *Route    `json:"route"`
}

// meta is what every resource has.
type meta struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Metadata   *doc.Node `json:"metadata"`
	Status     *doc.Node `json:"status"`
}

// pluginResource is a KongPlugin; its fields stand at the root.
type pluginResource struct {
	meta
	Plugin     string    `json:"plugin"`
	Config     *doc.Node `json:"config"`
	ConfigFrom *doc.Node `json:"configFrom"`
	Patches    *doc.Node `json:"configPatches"`
	Disabled   bool      `json:"disabled"`
	Consumer   *doc.Node `json:"consumerRef"`
	RunOn      string    `json:"run_on"`
	Protocols  []string  `json:"protocols"`
	Ordering   *doc.Node `json:"ordering"`
	Instance   string    `json:"instance_name"`
}

// Resources lists the resources of a document: itself, or the items of a List.
func Resources(d *doc.Document) []*Resource {
	nodes := []*doc.Node{d.Root}
	if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
		nodes = items.Items
	}
	var out []*Resource
	for _, n := range nodes {
		if group, _, _ := strings.Cut(n.Str("apiVersion"), "/"); group != Group {
			continue
		}
		r := &Resource{APIVersion: n.Str("apiVersion"), Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Doc: d, Node: n}
		switch r.Kind {
		case "KongPlugin", "KongClusterPlugin":
			r.plugin()
		case "KongIngress":
			r.Override = &Ingress{}
			r.Faults = d.DecodeNode(n, r.Override)
			if p := r.Override.Proxy; p != nil {
				p.Node, p.Way = n.Get("proxy"), []string{"proxy"}
			}
		default:
			continue
		}
		out = append(out, r)
	}
	return out
}

func (r *Resource) plugin() {
	var p pluginResource
	r.Faults = r.Doc.DecodeNode(r.Node, &p)
	on := !p.Disabled
	r.Plugin = &Plugin{Config: p.Config, Enabled: &on, Protocols: p.Protocols, RunOn: p.RunOn, Ordering: p.Ordering, Instance: p.Instance, Consumer: p.Consumer}
	r.Plugin.Name, r.Plugin.Node = p.Plugin, r.Node
	if p.Plugin == "" {
		r.Faults = append(r.Faults, r.Doc.Fault(r.Node, doc.Value, nil, "a "+r.Kind+" needs `plugin`, the name of what it configures", ""))
	}
	r.Global = r.Kind == "KongClusterPlugin" && r.Node.Find("metadata", "labels").Str("global") == "true"
}

// String names the resource for people.
func (r *Resource) String() string {
	if r.Namespace != "" {
		return r.Kind + " " + r.Namespace + "/" + r.Name
	}
	return r.Kind + " " + r.Name
}

// YAML writes a configuration; reading it gives an equal one, what it does not
// read aside.
func (c *Config) YAML() ([]byte, error) { return doc.Encode(c) }
