package kubernetes

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// variable is an environment variable with where its value stands.
type variable struct {
	name, value string
	at          arch.Source
}

// uses are the calls that a workload's variables give away, one a target.
func (r *relation) uses(w *workload, places map[arch.Fact]arch.Source) map[string]arch.Call {
	calls := map[string]arch.Call{}
	for _, v := range r.variables(w) {
		to, ep, ok := r.ev.Hosts.Target(v.name, v.value, w.V.Namespace)
		if !ok || to == w.ref {
			continue
		}
		id := arch.CallID(to, 1)
		edge := arch.Edge{From: w.ref, ID: id}
		c, seen := calls[id]
		if seen {
			if !strings.Contains(c.Why, v.name) {
				c.Why += ", " + v.name
			}
		} else {
			c = arch.Call{To: to, Why: "variable " + v.name, Protocol: discover.ProtocolOf(ep.Scheme, r.ports[to][ep.Port], ep.Port)}
			for _, f := range []arch.Fact{edge.At(), edge.At("to"), edge.At("why"), edge.At("protocol")} {
				places[f] = v.at
			}
			if to.Kind() == arch.KindExternal {
				r.external(to, ep, v.at)
			}
		}
		calls[id] = c
	}
	return calls
}

func (r *relation) external(ref arch.Ref, ep discover.Endpoint, at arch.Source) {
	s := arch.System{Externals: map[string]arch.External{ref.Name(): {Host: ep.Host}}}
	s.Attest(at)
	r.out.System(s)
}

// variables lists the environment of all containers, in order, with config maps
// resolved. Values from secrets are never looked at.
func (r *relation) variables(w *workload) []variable {
	var out []variable
	for _, group := range []struct {
		name string
		cs   []corev1.Container
	}{{"initContainers", w.Pod.Spec.InitContainers}, {"containers", w.Pod.Spec.Containers}} {
		for i, c := range group.cs {
			path := append(slices.Clone(w.PodPath), "spec", group.name, strconv.Itoa(i))
			out = append(out, r.container(w, c, path)...)
		}
	}
	return out
}

func (r *relation) container(w *workload, c corev1.Container, path []string) []variable {
	var out []variable
	known := map[string]string{}
	add := func(name, value string, at arch.Source) {
		value = expand(value, known)
		known[name] = value
		out = append(out, variable{name, value, at})
	}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		if cm, ok := r.configMaps[w.V.Namespace+"/"+from.ConfigMapRef.Name]; ok {
			for _, e := range entries(cm) {
				add(from.Prefix+e.Key.Text, e.Value.Text, cm.At(arch.Config, "data", e.Key.Text))
			}
		}
	}
	for i, e := range c.Env {
		at := w.At(arch.Config, append(slices.Clone(path), "env", strconv.Itoa(i), "value")...)
		switch {
		case e.Value != "":
			add(e.Name, e.Value, at)
		case e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil:
			k := e.ValueFrom.ConfigMapKeyRef
			if cm, ok := r.configMaps[w.V.Namespace+"/"+k.Name]; ok {
				add(e.Name, cm.Node.Str("data", k.Key), cm.At(arch.Config, "data", k.Key))
			}
		}
	}
	for i, a := range append(slices.Clone(c.Command), c.Args...) { // --payment-addr=payment:50051
		name, value, ok := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if ok && strings.HasPrefix(a, "-") {
			list := "args"
			if i < len(c.Command) {
				list = "command"
			} else {
				i -= len(c.Command)
			}
			add(strings.ReplaceAll(name, "-", "_"), value, w.At(arch.Config, append(slices.Clone(path), list, fmt.Sprint(i))...))
		}
	}
	return out
}

func entries(cm object) []doc.Entry {
	if d := cm.Node.Get("data"); d != nil {
		return d.Entries
	}
	return nil
}

var reference = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

// expand resolves $(NAME), as the kubelet does, from variables before it.
func expand(value string, known map[string]string) string {
	return reference.ReplaceAllStringFunc(value, func(m string) string {
		if v, ok := known[m[2:len(m)-1]]; ok {
			return v
		}
		return m
	})
}
