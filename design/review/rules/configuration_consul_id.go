package rules

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/consul"
)

var consulID = review.Rule{
	ID:    "configuration/consul-id",
	Title: "Instances register under one id and overwrite each other",
	Why:   "An id stands for one instance of an agent: the second registration replaces the first, which gets no requests from then on, and the end of either takes the other out. A name with a port is one id for all containers, which all have that port.",
	Bad:   "id = \"order-8080\" on each of three replicas",
	Good:  "id = \"order-\" with the host's name, or the pod's",
	Since: "0.1", Severity: review.High, Confidence: .85,
	Source:  "Consul documentation, Register service (ID must be unique per agent; registering again replaces)",
	Silent:  "hashicorp/learn-consul-vms@56f547c service-mesh/, d7561985/consul-demos@f93c6b4",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		type spot struct {
			d discover.Typed[*consul.Config]
			s consul.Service
		}
		same := map[string][]spot{} // folder and id: the files of one agent
		for _, d := range discover.Of[*consul.Config](c.Documents) {
			for _, s := range d.V.Services {
				key := filepath.Dir(d.Path) + "\x00" + s.ID
				same[key] = append(same[key], spot{d, s})
			}
		}
		for _, key := range arch.Sorted(same) {
			spots := same[key]
			x := spots[0]
			of := consulRef(c, x.s.Name)
			f := review.Finding{Of: of}
			for _, y := range spots {
				f.Evidence = append(f.Evidence, review.Evidence{Source: y.d.At(arch.Config, consul.Place(y.s.Node, y.s.Way, "id")...), Note: "id " + y.s.ID})
			}
			f.Fix = "Give each instance an id of its own: the name with the host's or the pod's."
			n, known := replicas(c, of)
			switch {
			case len(spots) > 1 && slices.ContainsFunc(spots, func(y spot) bool { return y.s.Name != x.s.Name || y.s.Port != x.s.Port || y.s.Address != x.s.Address }):
				f.Title = fmt.Sprintf("%d definitions have the id %s, and one agent keeps the last of them", len(spots), x.s.ID)
				r.Find(f, x.s.ID)
			case x.s.Port > 0 && slices.Contains([]string{x.s.Name + "-" + strconv.Itoa(x.s.Port), x.s.Name + ":" + strconv.Itoa(x.s.Port)}, x.s.ID) && known && n > 1:
				f.Confidence = .7
				f.Title = fmt.Sprintf("%d replicas of %s register as %s, so of those with one agent the last one counts", n, x.s.Name, x.s.ID)
				r.Find(f, x.s.ID)
			}
		}
	},
}

// replicas of a service in the environment that is judged.
func replicas(c *review.Case, of []arch.Ref) (int, bool) {
	if len(of) == 0 {
		return 0, false
	}
	for _, key := range []string{arch.DeploymentKey(c.Environment, of[0].Name()), arch.DeploymentKey("", of[0].Name())} {
		if n, ok := c.System.Deployments[key].Replicas.Get(); ok {
			return n, true
		}
	}
	return 0, false
}
