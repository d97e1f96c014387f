package archfile

import (
	"reflect"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var retryObject = &object{name: "retries", about: "Trying again. attempts counts tries, the first included.", parts: []part{
	field{key: "attempts", form: whole{1}, about: "Tries, the first included (Istio's attempts counts re-tries)."},
	field{key: "per-try", form: durationQ, about: "Limit of one try."},
	field{key: "backoff", form: durationQ, about: "First wait between tries; it doubles."},
	field{key: "max-backoff", form: durationQ, about: "Longest wait between tries."},
	field{key: "jitter", form: truth{}, about: "Waits vary at random, so that callers don't return all at once."},
	field{key: "budget", form: shareQ, about: "Retries per request that are allowed overall."},
	field{key: "when", tag: "on", also: "on", form: texts{}, about: "Conditions, in the words of the layer: [5xx, connect-failure]."},
}}

var breakerObject = &object{name: "breaker", about: "Stops calling what fails.", parts: []part{
	field{key: "window", form: durationQ, about: "Time over which calls are counted."},
	field{key: "count", form: whole{0}, about: "Calls in the window, or failures in a row."},
	field{key: "failures", form: shareQ, about: "Share of failures that trips it."},
	field{key: "slow", form: shareQ, about: "Share of slow calls that trips it."},
	field{key: "open", form: durationQ, about: "How long it stays open."},
}}

var bulkheadObject = &object{name: "bulkhead", about: "Bounds concurrency.", parts: []part{
	field{key: "concurrent", form: whole{0}, about: "Calls at the same time."},
	field{key: "queue", form: whole{0}, about: "Calls that may wait."},
	field{key: "wait", form: durationQ, about: "How long a call may wait."},
}}

// limitsObject is what one layer says.
var limitsObject = &object{name: "limits", about: "What one layer says about a call.", parts: []part{
	field{key: "timeout", form: durationQ, about: "Limit of the whole call as this layer sees it, its retries included; 0 means none."},
	field{key: "retries", tag: "retry", form: pointer{retryObject}, about: "Trying again."},
	field{key: "breaker", form: pointer{breakerObject}, about: "Stops calling what fails."},
	field{key: "bulkhead", form: pointer{bulkheadObject}, about: "Bounds concurrency."},
	field{key: "hedge", form: durationQ, about: "A second try starts when the first has not answered by then."},
	field{key: "rate-limit", tag: "rate", form: rateQ, about: "Calls per second that are let through."},
	field{key: "fallback", form: truth{}, about: "There is an answer for when the call fails."},
}}

// policies are the limits of a call, a route or a server: those of the layer def
// stand among the other keys, those of others under layers.
type policies struct {
	def string
}

func (p policies) keys() []key {
	var ks []key
	for _, f := range limitsObject.parts {
		ks = append(ks, f.keys()...)
	}
	return append(ks,
		key{name: "layer", form: text{[]string{arch.LayerCode, arch.LayerSidecar, arch.LayerGateway, arch.LayerInbound, arch.LayerServer}},
			about: "Where the limits beside this key are set; " + p.def + " when it is left out. With :name where there are several (gateway:kong), with @environment where they hold in one."},
		key{name: "layers", form: named{form: limitsObject}, about: "Limits that other layers set, by layer: sidecar, gateway:kong, sidecar@prod."})
}

func (p policies) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	list := byTag(v, "layers")
	at.At = at.At.Join("layers")
	list.Set(reflect.ValueOf(p.readList(r, n, at)))
}

func (p policies) readList(r *reader, n *doc.Node, at arch.Fact) []arch.Policy {
	var out []arch.Policy
	add := func(name string, keyNode, n *doc.Node) {
		pol := arch.Policy{}
		pol.Layer, pol.Env, _ = strings.Cut(name, "@")
		if pol.Layer == "" || slices.ContainsFunc(out, func(q arch.Policy) bool { return q.Key() == pol.Key() }) {
			r.fault(keyNode, doc.Duplicate, arch.Fact{}, "layer \""+name+"\" is empty or said twice", "")
			return
		}
		f := arch.Fact{Of: at.Of, At: at.At.Join(pol.Key())}
		r.mark(f, keyNode)
		for _, part := range limitsObject.parts {
			part.read(r, n, reflect.ValueOf(&pol).Elem(), f)
		}
		out = append(out, pol)
	}
	first := n.KeyNode("layer")
	layer := p.def
	if first != nil {
		if s, ok := r.text(n.Get("layer"), arch.Fact{At: "/layer"}); ok {
			layer = s
		}
	}
	for _, e := range n.Entries {
		if first == nil && limitsObject.knows(e.Key.Text) {
			first = e.Key
		}
	}
	if first != nil {
		add(layer, first, n)
	}
	if ls := n.Get("layers"); ls != nil && r.mapping(ls, at) {
		for _, e := range ls.Entries {
			if r.mapping(e.Value, arch.Fact{At: at.At.Join(e.Key.Text)}) {
				r.unknown(e.Value, limitsObject.knows, limitsObject.known())
				add(e.Key.Text, e.Key, e.Value)
			}
		}
	}
	return out
}

func (p policies) tree(w *encoder, v reflect.Value, at arch.Fact) []entry {
	at.At = at.At.Join("layers")
	return p.treeList(w, byTag(v, "layers").Interface().([]arch.Policy), at)
}

func (p policies) treeList(w *encoder, ps []arch.Policy, at arch.Fact) []entry {
	var out []entry
	rest := &tree{kind: mapTree}
	ps = slices.Clone(ps)
	slices.SortStableFunc(ps, func(a, b arch.Policy) int {
		if d := arch.Rank(a.Layer) - arch.Rank(b.Layer); d != 0 {
			return d
		}
		return cmpString(a.Key(), b.Key())
	})
	for i := range ps {
		t := limitsObject.tree(w, reflect.ValueOf(&ps[i]).Elem(), arch.Fact{Of: at.Of, At: at.At.Join(ps[i].Key())})
		switch {
		case ps[i].Key() != p.def:
			rest.entries = append(rest.entries, entry{ps[i].Key(), t})
		case len(t.entries) == 0:
			out = append(out, entry{"layer", &tree{text: p.def}})
		default:
			out = append(out, t.entries...)
		}
	}
	if len(rest.entries) > 0 {
		out = append(out, entry{"layers", rest})
	}
	return out
}

// server is the list of limits that a callee sets, in a mapping of its own.
type server struct{}

var serverPolicies = policies{arch.LayerServer}

var serverObject = &object{name: "server", about: "Limits that the callee itself sets.", parts: []part{serverPolicies}}

func (server) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	if r.mapping(n, at) {
		r.unknown(n, serverObject.knows, serverObject.known())
		v.Set(reflect.ValueOf(serverPolicies.readList(r, n, at)))
	}
}

func (server) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if es := serverPolicies.treeList(w, v.Interface().([]arch.Policy), at); len(es) > 0 {
		return &tree{kind: mapTree, entries: es}
	}
	return nil
}

func (server) schema(d *definitions) map[string]any { return serverObject.schema(d) }
