package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

// quiet are alerts that are meant to tell nobody: heartbeats, and those that only
// silence others.
var quiet = []string{"watchdog", "infoinhibitor", "deadmansswitch", "heartbeat"}

var alertNobody = review.Rule{
	ID:    "observability/alert-to-nobody",
	Title: "An alert that tells nobody",
	Why:   "It fires, and its route ends at a receiver without any way to reach a person.",
	Bad:   "route: {receiver: none}, receivers: [{name: none}]",
	Good:  "route: {receiver: team}, receivers: [{name: team, slack_configs: [...]}]",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Source:  "Prometheus documentation, Alertmanager configuration (route, receiver)",
	Silent:  "prometheus/alertmanager@68fb2d5 doc/examples/simple.yml",
	Untried: "no public file at hand has both rules and routes that lose them",
	Check: func(c *review.Case, r *review.Reporter) {
		lost := map[string][]alert{} // by receiver
		for _, a := range alerts(c) {
			if slices.Contains(quiet, strings.ToLower(a.Alert)) || slices.Contains([]string{"none", "info", "debug"}, a.severity()) || !unheard(c, a) {
				continue
			}
			_, to, _ := a.reaches(c)
			lost[to[0]] = append(lost[to[0]], a)
		}
		for _, to := range arch.Sorted(lost) {
			as := lost[to]
			f := review.Finding{Of: []arch.Ref{}}
			var names []string
			for _, a := range as {
				f.Evidence = append(f.Evidence, a.at("to "+to))
				names = append(names, a.Alert)
			}
			f.Title = fmt.Sprintf("%s goes to the receiver %s, which tells nobody", names[0], to)
			if len(names) > 1 {
				f.Title = fmt.Sprintf("%d alerts go to the receiver %s, which tells nobody: %s", len(names), to, strings.Join(names[:min(3, len(names))], ", "))
			}
			f.Fix = fmt.Sprintf("Give %s a way to reach people, or route these alerts elsewhere.", to)
			r.Find(f, to)
		}
	},
}
