package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
)

// clean are configurations in which nothing is wrong.
var clean = map[string]string{
	"collector.yaml": `extensions:
  health_check: {}
receivers:
  otlp: {protocols: {grpc: {}}}
processors:
  memory_limiter: {check_interval: 1s, limit_percentage: 80}
  tail_sampling: {}
  attributes: {actions: [{key: env, value: prod, action: upsert}]}
  batch: {}
exporters:
  debug: {verbosity: basic}
  otlp/tempo: {endpoint: "tempo.example.org:4317"}
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, tail_sampling, attributes, batch], exporters: [otlp/tempo, debug]}
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [debug]}
`,
	"compose.yaml": `services:
  gateway: {image: "kong:3.4", environment: {KONG_DATABASE: "off"}}
  order: {image: "order:1.2"}
`,
	"kong.yaml": `_format_version: "3.0"
services:
- name: order
  host: order
  read_timeout: 1000
  routes:
  - {name: v1, hosts: [shop.example], paths: [/v1, "~/o/\\d+$"]}
  plugins:
  - {name: rate-limiting, config: {minute: 100, hour: 3000, policy: local}}
  - {name: request-transformer, config: {add: {headers: ["x-user:$(headers['x-user'])"]}}}
`,
	"prometheus.yml": `global: {scrape_interval: 15s}
scrape_configs:
- {job_name: shop, scrape_timeout: 5s, static_configs: [{targets: ["order:8080"]}]}
`,
	"rules.yml": `groups:
- name: shop
  rules:
  - {alert: Errors, expr: "rate(http_requests_total{code=~'5..'}[5m]) > 1", labels: {severity: page}}
`,
	"alertmanager.yml": `route: {receiver: team, routes: [{matchers: [severity="page"], receiver: team}]}
receivers: [{name: team, slack_configs: [{channel: "#shop"}]}]
`,
	"order.hcl": `service {
  name = "order"
  id = "order-1"
  port = 8080
  check { http = "http://localhost:8080/health", interval = "5s", deregister_critical_service_after = "2m" }
}
`,
}

// breaks are ways to break one of them.
var breaks = []struct{ file, rule, old, new string }{
	{"collector.yaml", "configuration/collector-undefined", "exporters: [debug]", "exporters: [debugg, debug]"},
	{"collector.yaml", "configuration/collector-unused", "  debug: {verbosity: basic}", "  debug: {verbosity: basic}\n  zipkin: {}"},
	{"collector.yaml", "configuration/collector-loglevel", "{verbosity: basic}", "{loglevel: info}"},
	{"collector.yaml", "configuration/collector-attribute-action", ", action: upsert", ""},
	{"collector.yaml", "configuration/collector-order", "tail_sampling, attributes, batch]", "batch, tail_sampling, attributes]"},
	{"collector.yaml", "configuration/collector-no-memory-limiter", "[memory_limiter, batch]", "[batch]"},
	{"collector.yaml", "configuration/collector-no-pipeline", "    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [debug]}", "    logs: {receivers: [otlp], processors: [memory_limiter, batch]}"},
	{"collector.yaml", "configuration/unknown-field", "  extensions: [", "  extentions: []\n  extensions: ["},
	{"kong.yaml", "configuration/kong-regex-path", "~/o/", "/o/"},
	{"kong.yaml", "configuration/kong-policy-cluster", "policy: local", "policy: cluster"},
	{"kong.yaml", "configuration/kong-deprecated-field", "policy: local", "policy: redis, redis_host: cache"},
	{"kong.yaml", "configuration/kong-idle-limit", "hour: 3000", "hour: 30000"},
	{"kong.yaml", "configuration/kong-template", "headers['x-user']", "uuid"},
	{"kong.yaml", "configuration/kong-format-version", `"3.0"`, `"2.1"`},
	{"kong.yaml", "configuration/unknown-field", "read_timeout:", "read_timeot:"},
	{"prometheus.yml", "configuration/unknown-field", "scrape_timeout: 5s", "scrape_timeout: 20s"},
	{"rules.yml", "configuration/unknown-field", "labels:", "lables:"},
	{"alertmanager.yml", "configuration/unknown-field", "receiver: team}]", "receiver: taem}]"},
	{"alertmanager.yml", "observability/alert-to-nobody", "slack_configs: [{channel: \"#shop\"}]", "slack_configs: []"},
	{"order.hcl", "configuration/consul-deregister", "\"2m\"", "\"20s\""},
	{"order.hcl", "configuration/unknown-field", "interval =", "intervall ="},
}

func cleanFiles() map[string][]byte {
	out := map[string][]byte{}
	for name, text := range clean {
		out[name] = []byte(text)
	}
	return out
}

// One fault in clean configurations is one finding, of its rule.
func TestOneConfigurationFaultIsOneFinding(t *testing.T) {
	t.Parallel()
	before := keysOf(reviewed(t, cleanFiles()))
	if len(before) > 0 {
		t.Fatalf("the clean configurations have %v", before)
	}
	for _, b := range breaks {
		files := cleanFiles()
		broken := strings.Replace(clean[b.file], b.old, b.new, 1)
		if broken == clean[b.file] {
			t.Errorf("%s: %q does not stand in %s", b.rule, b.old, b.file)
		}
		files[b.file] = []byte(broken)
		if got := keysOf(reviewed(t, files)); !slices.Equal(got, []string{b.rule}) {
			t.Errorf("%s for %s in %s: %v", b.new, b.old, b.file, got)
		}
	}
}

// All faults at once are reported in one run: those of one file, and those of all
// files, broken ones among them.
func TestEveryFaultInOneRun(t *testing.T) {
	t.Parallel()
	files := cleanFiles()
	want := map[string]int{}
	for _, b := range breaks {
		next := strings.Replace(string(files[b.file]), b.old, b.new, 1)
		if next == string(files[b.file]) {
			continue // another fault has taken its place
		}
		files[b.file] = []byte(next)
		want[b.rule]++
	}
	files["syntax.yaml"] = []byte("a: [1\n---\nb: {\n---\nc: 1\n")
	got := map[string]int{}
	for _, r := range keysOf(reviewed(t, files)) {
		got[r]++
	}
	for _, rule := range arch.Sorted(want) {
		// In a file of Kong 2 the signs decide what is a regular expression, and where
		// an alert without its label goes is not certain.
		if got[rule] < want[rule] && rule != "configuration/kong-regex-path" && rule != "observability/alert-to-nobody" {
			t.Errorf("%s: %d findings of %d faults", rule, got[rule], want[rule])
		}
	}
}
