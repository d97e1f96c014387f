package monitoring_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/monitoring"
)

const monitor = `apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: shop, namespace: o11y}
spec:
  selector: {matchLabels: {team: shop}, matchExpressions: [{key: app, operator: In, values: [order, cart]}]}
  namespaceSelector: {matchNames: [shop]}
  endpoints: [{port: http, path: /metrics, interval: 15s}]
`

func TestSelects(t *testing.T) {
	t.Parallel()
	m := monitoring.Read(doc.Read("m.yaml", []byte(monitor), nil).Docs[0])
	if m.String() != "ServiceMonitor o11y/shop" || m.Endpoints[0].Interval != "15s" {
		t.Errorf("%+v", m)
	}
	for _, c := range []struct {
		namespace, team, app string
		want                 bool
	}{{"shop", "shop", "order", true}, {"o11y", "shop", "order", false}, {"shop", "x", "order", false}, {"shop", "shop", "pay", false}} {
		if got := m.Selects(c.namespace, map[string]string{"team": c.team, "app": c.app}); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(monitor))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if m := monitoring.Read(d); m != nil {
				m.Selects("a", map[string]string{"b": "c"})
			}
		}
	})
}
