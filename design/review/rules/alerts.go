package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/prometheus"
)

// alert is an alerting rule with where it stands.
type alert struct {
	discover.Typed[*prometheus.RuleFile]
	prometheus.Rule
	labels map[string]string
	path   []string
}

func (a alert) at(note string) review.Evidence {
	return review.Evidence{Source: a.Typed.At(arch.Config, a.path...), Note: note}
}

// alerts lists the alerting rules of all files.
func alerts(c *review.Case) []alert {
	var out []alert
	for _, f := range discover.Of[*prometheus.RuleFile](c.Documents) {
		for i, g := range f.V.Groups {
			for j, r := range g.Rules {
				if r.Alert == "" {
					continue
				}
				labels := map[string]string{"alertname": r.Alert}
				for _, m := range []map[string]string{g.Labels, r.Labels} {
					for k, v := range m {
						labels[k] = v
					}
				}
				out = append(out, alert{f, r, labels, []string{"groups", strconv.Itoa(i), "rules", strconv.Itoa(j)}})
			}
		}
	}
	return out
}

// whose are labels that name a service, in the words of common exporters.
var whose = regexp.MustCompile(`^(job|service|service_?name|svc|app|application|component|container|container_name|deployment|workload|destination_(service_name|service|workload|app|canonical_service)|exported_(service|job)|handler|upstream(_cluster)?|envoy_cluster_name|kubernetes_name|consul_service|sloth_service|pyrra|slo)$`)

// quality are words in the names of series that tell how requests fare.
var quality = regexp.MustCompile(`(?i)request|response|latency|duration|error|fail|5xx|grpc_server|rpc_|http_|istio_|calls|slo|sli|burn|availab|success|probe`)

// watches reports whether an alert tells how the requests of a service fare: it
// asks for the service by name, or for such series of all services.
func (a alert) watches(names []string) bool {
	named, ours := false, false
	for _, m := range append(a.Matchers(), prometheus.Matcher{Label: "service", Op: "=", Value: a.labels["service"]}) {
		if !whose.MatchString(m.Label) || m.Value == "" || m.Op == "!=" || m.Op == "!~" {
			continue
		}
		named = true
		if slices.ContainsFunc(names, func(n string) bool {
			return m.Fits(n) || m.Op == "=" && strings.HasPrefix(m.Value, n+".") || strings.HasSuffix(m.Value, "/"+n)
		}) {
			ours = true
		}
	}
	if named {
		return ours
	}
	for _, m := range a.Metrics() {
		for _, n := range names { // recorded series carry the name in theirs
			if w := strings.ReplaceAll(n, "-", "_"); len(w) > 3 && strings.Contains(m, w) {
				return true
			}
		}
		if quality.MatchString(m) {
			return true
		}
	}
	return false
}

// reaches reports who is told of an alert, by all of Alertmanager's
// configurations; sure is false where that is not known.
func (a alert) reaches(c *review.Case) (somebody bool, receivers []string, sure bool) {
	sure = true
	for _, m := range discover.Of[*prometheus.Alertmanager](c.Documents) {
		to, known := m.V.To(a.labels)
		sure = sure && known
		for _, r := range to {
			receivers = append(receivers, r)
			tells, there := m.V.Tells(r)
			somebody, sure = somebody || tells, sure && there // a route to nowhere is a fault of its own
		}
	}
	return somebody, receivers, sure
}

// severity of an alert as its label has it.
func (a alert) severity() string {
	return strings.ToLower(cmp.Or(a.labels["severity"], a.labels["priority"], a.labels["level"]))
}
