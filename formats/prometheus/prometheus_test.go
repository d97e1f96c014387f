package prometheus_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/prometheus"
)

const config = `global: {scrape_interval: 15s, external_labels: {cluster: a}}
rule_files: [rules/*.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["alertmanager:9093"]}]}]}
scrape_configs:
- job_name: shop
  scrape_timeout: 20s
  metric_path: /m
  static_configs: [{targets: ["order:8080", "stock:8080"], labels: {tier: one}}]
- job_name: pods
  kubernetes_sd_configs: [{role: pod}]
  dns_sd_configs: [{names: [x]}]
- job_name: shop
- scheme: https
  scrape_interval: soon
remote_write: [{url: "https://u:p@store.example/api", basic_auth: {password: hunter2}}]
`

const rules = `groups:
- name: shop
  rules:
  - alert: Errors
    expr: sum by (service) (rate(http_requests_total{code=~"5..", service="order"}[5m])) / sum(rate(http_requests_total[5m])) > 0.05
    for: 10m
    labels: {severity: page, level: 1}
  - {record: job:up:sum, expr: sum by (job) (up), for: 5m}
  - {alert: A, record: b, expr: "1"}
  - {expr: up}
  - {alert: Nothing}
- name: shop
  rules: [{record: x, expr: 1}]
`

const alertmanager = `route:
  receiver: all
  group_wait: 30s
  routes:
  - {matchers: ['severity = page', 'team=~"a{1,2}|b"'], receiver: pager}
  - {match: {severity: info}, receiver: nobody}
  - {matchers: [region="x"], receiver: pagr, mute_time_intervals: [nigth]}
receivers:
- {name: all, slack_configs: [{api_url: "https://hooks.example/hunter2"}]}
- {name: pager, pagerduty_configs: [{}], email_configs: []}
- {name: nobody}
time_intervals: [{name: night, time_intervals: [{weekdays: [saturday]}]}]
`

func root(src string) (*doc.Document, *doc.Node) {
	d := doc.Read("p.yml", []byte(src), nil).Docs[0]
	return d, d.Root
}

func texts(fs []*doc.Fault) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Error())
	}
	return strings.Join(out, "\n")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	c := prometheus.Read(root(config))
	want := `p.yml:7:3: unknown field "scrape_configs.0.metric_path"; did you mean "metrics_path"?
p.yml:14:20: scrape_configs.3.scrape_interval: "soon" is no time such as 15s, 1h30m or 7d
p.yml:6:19: scrape_configs.0.scrape_timeout: 20s is longer than the interval of 15s; Prometheus refuses it; a scrape has to end before the next begins
p.yml:12:13: scrape_configs.2.job_name: job "shop" was there before, as number 1; Prometheus refuses two jobs of one name
p.yml:13:3: scrape_configs.3: a job needs a name; add job_name`
	if got := texts(c.Faults); got != want {
		t.Errorf("faults:\n%s", got)
	}
	if s := c.Scrapes[0]; s.Static[0].Targets[1] != "stock:8080" || strings.Join(c.Scrapes[1].Discovery, " ") != "kubernetes dns" {
		t.Errorf("%+v", c.Scrapes)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	f := prometheus.ReadRules(root(rules))
	want := `p.yml:8:5: groups.0.rules.1: the record job:up:sum has for, keep_firing_for or annotations, which only alerts have
p.yml:9:5: groups.0.rules.2: a rule is an alert or a record, not both
p.yml:10:5: groups.0.rules.3: a rule needs a name; add alert or record
p.yml:11:5: groups.0.rules.4: rule Nothing has no expr
p.yml:12:9: groups.1.name: group "shop" was there before; Prometheus refuses two groups of one name in a file`
	if got := texts(f.Faults); got != want {
		t.Errorf("faults:\n%s", got)
	}
	r := f.Groups[0].Rules[0]
	if m := r.Metrics(); len(m) != 1 || m[0] != "http_requests_total" {
		t.Errorf("metrics %v", m)
	}
	if ms := r.Matchers(); len(ms) != 2 || ms[1] != (prometheus.Matcher{Label: "service", Op: "=", Value: "order"}) || !ms[0].Fits("503") || ms[0].Fits("x503") {
		t.Errorf("matchers %v", ms)
	}
	for expr, want := range map[string]string{
		`up{job="a b"} == 0 or absent(up offset 5m)`:                      "up",
		`histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) > 1e3`: "x_bucket",
		`a and on (job) group_left (x) b`:                                 "a b",
	} {
		if got := strings.Join((prometheus.Rule{Expr: expr}).Metrics(), " "); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

func TestAlertmanager(t *testing.T) {
	t.Parallel()
	a := prometheus.ReadAlertmanager(root(alertmanager))
	want := `p.yml:7:40: route.routes.2.receiver: there is no receiver "pagr"; did you mean pager?
p.yml:7:68: route.routes.2.mute_time_intervals.0: there is no time interval "nigth"; did you mean night?`
	if got := texts(a.Faults); got != want {
		t.Errorf("faults:\n%s", got)
	}
	for _, x := range []struct {
		labels map[string]string
		to     string
		sure   bool
	}{
		{map[string]string{"severity": "page", "team": "aa", "region": "y"}, "pager", true},
		{map[string]string{"severity": "page", "team": "aaa", "region": "y"}, "all", true},
		{map[string]string{"severity": "info"}, "nobody", true},
		{map[string]string{"severity": "warning"}, "all", false},
	} {
		to, sure := a.To(x.labels)
		if strings.Join(to, " ") != x.to || sure != x.sure {
			t.Errorf("%v: %v, %v", x.labels, to, sure)
		}
	}
	nobody, known := a.Tells("nobody")
	pager, _ := a.Tells("pager")
	if _, there := a.Tells("pagr"); nobody || !known || !pager || there || a.Receivers[1].Ways[0] != "pagerduty" || len(a.Receivers[1].Ways) != 1 {
		t.Errorf("%+v", a.Receivers)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		config: "config", rules: "rules", alertmanager: "alertmanager",
		"global: {scrape_interval: 60s}\notlp: {}":                                       "config",
		"groups: [{name: x, users: [a]}]":                                                "",
		"global: {image: x}\nreplicas: 1":                                                "",
		"receivers: {otlp: }\nexporters: {}":                                             "",
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: []}": "resource",
	} {
		_, n := root(src)
		got := ""
		for name, is := range map[string]bool{"config": prometheus.Is(n), "rules": prometheus.IsRules(n), "alertmanager": prometheus.IsAlertmanager(n), "resource": prometheus.IsResource(n)} {
			if is {
				got += name
			}
		}
		if got != want {
			t.Errorf("%.40q: %q, want %q", src, got, want)
		}
	}
}

// What is written reads back equal.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := prometheus.Read(root(config))
	b, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	c2 := prometheus.Read(root(string(b)))
	if !reflect.DeepEqual(c.Global, c2.Global) || !reflect.DeepEqual(c.Scrapes[0], c2.Scrapes[0]) || !reflect.DeepEqual(c.Alerting.Managers, c2.Alerting.Managers) || c2.RemoteWrite[0].URL != c.RemoteWrite[0].URL {
		t.Errorf("%+v\ncame back as\n%+v", c, c2)
	}
	if strings.Contains(string(b), "hunter2") {
		t.Error("a secret is written")
	}
	f := prometheus.ReadRules(root(rules))
	if b, err = f.YAML(); err != nil {
		t.Fatal(err)
	}
	if f2 := prometheus.ReadRules(root(string(b))); !reflect.DeepEqual(f.Groups, f2.Groups) {
		t.Errorf("%s", b)
	}
	a := prometheus.ReadAlertmanager(root(alertmanager))
	if b, err = a.YAML(); err != nil {
		t.Fatal(err)
	}
	a2 := prometheus.ReadAlertmanager(root(string(b)))
	if !reflect.DeepEqual(a.Route, a2.Route) || !reflect.DeepEqual(a.Receivers, a2.Receivers) || strings.Contains(string(b), "hunter2") {
		t.Errorf("%s", b)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(config))
	f.Add([]byte(rules))
	f.Add([]byte(alertmanager))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if prometheus.Is(d.Root) {
				if _, err := prometheus.Read(d, d.Root).YAML(); err != nil {
					t.Fatal(err)
				}
			}
			if prometheus.IsRules(d.Root) {
				for _, g := range prometheus.ReadRules(d, d.Root).Groups {
					for _, r := range g.Rules {
						_, _ = r.Metrics(), r.Matchers()
					}
				}
			}
			if prometheus.IsAlertmanager(d.Root) {
				_, _ = prometheus.ReadAlertmanager(d, d.Root).To(map[string]string{"severity": "page"})
			}
		}
	})
}

func FuzzDuration(f *testing.F) {
	f.Add("1d2h")
	f.Fuzz(func(t *testing.T, s string) {
		var d, e prometheus.Duration
		if d.UnmarshalText([]byte(s)) != nil {
			return
		}
		if err := e.UnmarshalText([]byte(d.String())); err != nil || d != e {
			t.Errorf("%q is %v, which is %v: %v", s, d, e, err)
		}
	})
}
