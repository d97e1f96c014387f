package rules

import (
	"strconv"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// workload is something that runs pods, with the service that it is.
type workload struct {
	discover.Typed[*kubernetes.Object]
	kubernetes.Workload
	ref arch.Ref // "" when the model has no service of it: a store, a job's helper
}

// workloads lists the workloads of the manifests, in their order.
func workloads(c *review.Case) []workload {
	var out []workload
	for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
		if w, ok := o.V.AsWorkload(); ok && w.Pod != nil {
			ref, _ := workloadRef(c, o.V, w)
			out = append(out, workload{o, w, ref})
		}
	}
	return out
}

// of is what findings name: the service, or nothing.
func (w workload) of() []arch.Ref {
	if w.ref == "" {
		return []arch.Ref{}
	}
	return []arch.Ref{w.ref}
}

// at is the place of something in the pod template.
func (w workload) at(note string, path ...string) review.Evidence {
	full := append(append([]string{}, w.PodPath...), path...)
	return review.Evidence{Source: w.At(arch.Config, full...), Note: note}
}

// variable finds an environment variable with a plain value in any container.
func (w workload) variable(name string) (value string, ev review.Evidence, ok bool) {
	for i, ct := range w.Pod.Spec.Containers {
		for j, e := range ct.Env {
			if e.Name == name && e.ValueFrom == nil {
				return e.Value, w.at(name+"="+e.Value, "spec", "containers", strconv.Itoa(i), "env", strconv.Itoa(j)), true
			}
		}
	}
	return "", review.Evidence{}, false
}

// valueOf is the place of a variable's value.
func (w workload) valueOf(name string) review.Evidence {
	for i, ct := range w.Pod.Spec.Containers {
		for j, e := range ct.Env {
			if e.Name == name {
				return w.at(name, "spec", "containers", strconv.Itoa(i), "env", strconv.Itoa(j), "value")
			}
		}
	}
	return review.Evidence{}
}
