package prometheus_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/prometheus"
	format "github.com/ashlar-dev/ashlar/formats/prometheus"
)

// Beside these fixtures the source was run over documentation/examples and
// cmd/promtool/testdata of prometheus/prometheus at d15adb9, and doc/examples of
// prometheus/alertmanager at 68fb2d5.
var files = map[string]string{
	"compose.yaml":    "services:\n  prometheus: {image: \"prom/prometheus:v3\"}\n  order: {image: \"order:1\"}\n  db: {image: \"postgres:16\"}\n",
	"prometheus.yml":  "scrape_configs:\n- job_name: shop\n  static_configs: [{targets: [\"order:8080\", \"db:9187\", \"prometheus:9090\", \"elsewhere:1\"]}]\n- job_name: again\n  static_configs: [{targets: [\"order:8081\"]}]\n",
	"shop.rules":      "groups: [{name: a, rules: [{alert: Down, expr: \"up == 0\"}]}]\n",
	"alerts.yaml":     "route: {receiver: all}\nreceivers: [{name: all}]\n",
	"kubernetes.yaml": "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: shop, namespace: o11y}\nspec: {groups: [{name: b, rules: [{alert: Slow, expr: \"x > 1\"}]}]}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata:\n  more.yml: |\n    groups:\n    - name: c\n      rules: [{alert: Late, exp: \"x\"}, {alert: B, expr: b}]\n",
}

func TestAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), compose.New(), prometheus.New()}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	uses := r.System.Services["prometheus"].Uses
	if c := uses[arch.CallID("service/order", 1)]; c.Why != "scrape job shop, scrape job again" || !c.Async.V || c.Access != arch.AccessRead {
		t.Errorf("%+v", c)
	}
	if len(uses) != 2 {
		t.Errorf("%v", arch.Sorted(uses))
	}
	rules := discover.Of[*format.RuleFile](r.Documents)
	if len(rules) != 3 || rules[1].Name != "PrometheusRule o11y/shop" && rules[0].Name != "PrometheusRule o11y/shop" || len(discover.Of[*format.Alertmanager](r.Documents)) != 1 {
		t.Errorf("%+v", rules)
	}
	if len(r.Faults) != 2 || r.Faults[0].Pos.Line != 13 { // exp, and a rule without expr
		t.Errorf("%v", r.Faults)
	}
}
