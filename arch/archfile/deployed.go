package archfile

import (
	"reflect"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// deploymentObject is how an element runs: beside the element's own keys for
// every environment, under environments for one.
var deploymentObject = &object{name: "deployment", about: "How the element runs in this environment.", parts: []part{
	field{key: "version", form: text{}, about: "What runs."},
	field{key: "workload", tag: "kind", form: text{[]string{"deployment", "statefulset", "daemonset", "job", "cronjob", "vm", "function"}}, about: "The kind of workload."},
	field{key: "replicas", form: whole{0}, about: "Instances."},
	field{key: "max-replicas", tag: "max", form: whole{0}, about: "Instances that an autoscaler may go to."},
	field{key: "concurrency", form: whole{0}, about: "Requests that one instance works on at the same time."},
	field{key: "cpu", form: coresQ, about: "CPU of one instance: its limit or else its request."},
	field{key: "memory", form: bytesQ, about: "Memory of one instance: its limit or else its request."},
	field{key: "probes", form: named{form: text{}, of: "Such as: http /healthz :8080 every 10s."}, about: "liveness, readiness, startup."},
	field{key: "zones", form: whole{0}, about: "Zones that it spreads over."},
	field{key: "disruption-budget", form: truth{}, about: "A budget keeps instances up while nodes are drained."},
	field{key: "strategy", form: text{[]string{"rolling", "recreate", "blue-green", "canary"}}, about: "How a new version replaces the old."},
	field{key: "mesh", form: truth{}, about: "A sidecar or ambient mesh handles its traffic."},
	field{key: "access", form: pointer{accessObject}, about: "As whom it runs, who may reach it and whom it may reach."},
}}

var accessObject = &object{name: "access", about: "As whom it runs, who may reach it and whom it may reach.", parts: []part{
	field{key: "account", form: text{}, about: "Service account."},
	field{key: "scc", form: text{}, about: "OpenShift's security context constraints."},
	field{key: "tls", form: text{[]string{"strict", "permissive", "disable"}}, about: "What its mesh proxy takes from callers."},
	field{key: "in", form: named{form: gateObject, of: "What this layer lets in."}, about: "Gates before it, by layer: network, mesh. A layer that is not there lets everything in."},
	field{key: "out", form: named{form: gateObject, of: "What this layer lets out."}, about: "Gates behind it, by layer."},
}}

var gateObject = &object{name: "gate", about: "What one layer lets through: what is allowed and not denied. A gate that allows nothing is shut.", parts: []part{
	field{key: "allow", form: named{form: text{}, of: "What of it: empty is everything, else: port 8080, GET /orders."}, about: "By element (service/order), * or in words."},
	field{key: "deny", form: named{form: text{}, of: "What of it; empty is everything."}, about: "By element, * or in words."},
}}

// deployed are the keys of a deployment on a service, a store or a gateway.
type deployed struct{}

func (deployed) keys() []key {
	var ks []key
	for _, p := range deploymentObject.parts {
		ks = append(ks, p.keys()...)
	}
	return append(ks, key{name: "environments", form: named{form: deploymentObject}, about: "What differs by environment: prod: {replicas: 3}."})
}

func (deployed) read(r *reader, n *doc.Node, _ reflect.Value, at arch.Fact) {
	for _, e := range n.Entries {
		if deploymentObject.knows(e.Key.Text) {
			r.deployment(at.Of, "", e.Key, n)
			break
		}
	}
	envs := n.Get("environments")
	if envs == nil || !r.mapping(envs, arch.Fact{At: "/environments"}) {
		return
	}
	for _, e := range envs.Entries {
		switch {
		case e.Key.Text == "":
			r.fault(e.Key, doc.Value, arch.Fact{}, "an environment needs a name", "what holds for all stands beside the other keys")
		case r.mapping(e.Value, arch.Fact{At: arch.Field("").Join(e.Key.Text)}):
			r.unknown(e.Value, deploymentObject.knows, deploymentObject.known())
			r.deployment(at.Of, e.Key.Text, e.Key, e.Value)
		}
	}
}

func (r *reader) deployment(of arch.Ref, env string, keyNode, n *doc.Node) {
	name := arch.DeploymentKey(env, of.Name())
	if old, ok := r.sys.Deployments[name]; ok {
		r.fault(keyNode, doc.Duplicate, arch.Fact{}, string(old.Of)+" is deployed under this name already", "a deployment is known by its name, so give one of the two another")
		return
	}
	at := arch.Fact{Of: arch.DeploymentRef(env, of.Name())}
	d := arch.Deployment{Of: of}
	r.mark(at, keyNode)
	r.mark(arch.Fact{Of: at.Of, At: "/of"}, keyNode)
	for _, p := range deploymentObject.parts {
		p.read(r, n, reflect.ValueOf(&d).Elem(), at)
	}
	if r.sys.Deployments == nil {
		r.sys.Deployments = map[string]arch.Deployment{}
	}
	r.sys.Deployments[name] = d
}

func (deployed) tree(w *encoder, _ reflect.Value, at arch.Fact) []entry {
	var out []entry
	envs := &tree{kind: mapTree}
	for _, key := range w.deployments[at.Of] {
		d := w.sys.Deployments[key]
		ref := arch.Ref(string(arch.KindDeployment) + "/" + key)
		t := deploymentObject.tree(w, reflect.ValueOf(&d).Elem(), arch.Fact{Of: ref})
		if env := ref.Env(); env != "" {
			envs.entries = append(envs.entries, entry{env, t})
			continue
		}
		for i := range t.entries { // they stand among keys of another source
			if t.entries[i].val.from == "" {
				t.entries[i].val.from = t.from
			}
		}
		out = t.entries
	}
	if len(envs.entries) > 0 {
		out = append(out, entry{"environments", envs})
	}
	return out
}
