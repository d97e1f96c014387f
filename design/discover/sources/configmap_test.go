package sources_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
)

// inConfigMap is a file as it stands in a ConfigMap that the one workload "main"
// mounts, beside two Services that it may name.
func inConfigMap(name, text, image string) string {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: shop}\ndata:\n  other.txt: hello\n"
	b := head + "  " + name + ": |\n"
	for l := range strings.Lines(text) {
		b += "    " + l
	}
	b += "---\n"
	for _, w := range []struct{ name, image, more string }{
		{"main", image, "      volumes: [{name: c, configMap: {name: conf}}]\n"}, {"second", image, ""}, {"order", "order:1", ""}, {"pay", "pay:1", ""},
	} {
		b += strings.Replace(workload(w.name, w.image, w.more), "metadata: {name: "+w.name+"}", "metadata: {name: "+w.name+", namespace: shop}", 1)
		b += "apiVersion: v1\nkind: Service\nmetadata: {name: " + w.name + ", namespace: shop}\nspec: {selector: {app: " + w.name + "}, ports: [{port: 80}]}\n---\n"
	}
	return b
}

// Every program's configuration is read where it stands in a ConfigMap as it is in
// a file: whose it is says the pod that mounts it, even where another runs the same
// image, and places are lines of the ConfigMap. The first line of a text is 7.
func TestFilesInsideConfigMaps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text, image string
		kind              string // of the document
		call              string // from -> to, and the line and column that say so
		fault             int    // the line of a mistake in it
	}{
		"nginx": {file: "default.conf", image: "nginx:1", text: "server {\n  location / {\n    proxy_pass http://order;\n  }\n}\n",
			kind: "nginx configuration", call: "main -> order 9:20"},
		"Spring, YAML": {file: "application.yaml", image: "main:1", text: "spring: {application: {name: main}}\norder:\n  url: http://order:80\n",
			kind: "spring settings", call: "main -> order 9:12"},
		"Spring, properties": {file: "application-prod.properties", image: "main:1", text: "spring.application.name=main\norder.url=http://order:80\n",
			kind: "spring settings", call: "main -> order 8:5"},
		"Prometheus": {file: "prometheus.yml", image: "prom/prometheus:v3", text: "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['order:80']\n  wrong: 1\n",
			kind: "prometheus config", call: "main -> order 10:19", fault: 11},
		"Prometheus, rules": {file: "rules.yml", image: "prom/prometheus:v3", text: "groups:\n- name: a\n  rules:\n  - {alert: A, expr: up, wrong: 1}\n",
			kind: "prometheus rules", fault: 10},
		"Alertmanager": {file: "alertmanager.yml", image: "prom/alertmanager:v1", text: "route: {receiver: a}\nreceivers:\n- name: a\nwrong: 1\n",
			kind: "alertmanager config", fault: 10},
		"Collector": {file: "relay", image: "otel/opentelemetry-collector:1", text: "receivers: {otlp: {protocols: {grpc: {}}}}\nexporters:\n  otlp:\n    endpoint: order:80\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}, wrong: 1}\n",
			kind: "otelcol config", call: "main -> order 10:19", fault: 11},
		"Envoy": {file: "envoy.yaml", image: "envoyproxy/envoy:v1", kind: "envoy config", call: "gateway main routes to order 21:26", text: `static_resources:
  listeners:
  - name: web
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          route_config:
            virtual_hosts: [{name: a, domains: ["*"], routes: [
              {match: {prefix: /}, route: {cluster: orders}}]}]
  clusters:
  - name: orders
    type: STRICT_DNS
    load_assignment: {cluster_name: orders, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: order, port_value: 80}}}}]}]}
`},
		"Kong": {file: "kong.yml", image: "kong:3", text: "_format_version: \"3.0\"\nservices:\n- name: orders\n  url: http://order:80\n  routes:\n  - name: o\n    paths: [/orders]\n    wrong: 1\n",
			kind: "kong 3.0", call: "gateway main routes to order 10:12", fault: 14},
		"Kong, JSON": {file: "kong.json", image: "kong:3", text: "{\"_format_version\": \"3.0\",\n \"services\": [{\"name\": \"orders\", \"url\": \"http://order:80\",\n  \"routes\": [{\"name\": \"o\", \"paths\": [\"/orders\"]}]}]}\n",
			kind: "kong 3.0", call: "gateway main routes to order 8:45"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, map[string]string{"all.yaml": inConfigMap(c.file, c.text, c.image)})
			r := discovered(t, nil, dir)
			var kinds, found []string
			for _, d := range r.Documents {
				kinds = append(kinds, d.Kind)
			}
			if !slices.Contains(kinds, c.kind) {
				t.Errorf("no %q among %q; not read: %v", c.kind, kinds, r.Skipped)
			}
			at := func(src arch.Source) string { return fmt.Sprintf("%d:%d", src.Line, src.Col) }
			for _, e := range r.System.Edges() {
				found = append(found, fmt.Sprintf("%s -> %s %s", e.From.Name(), e.Call.To.Short(), at(r.System.Ledger.Where(e.At("to"), e.At()))))
			}
			for _, g := range arch.Sorted(r.System.Gateways) {
				for _, rt := range r.System.Gateways[g].Routes {
					src := r.System.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindGateway, g), At: arch.Field("").Join("routes", rt.ID, "to")})
					found = append(found, fmt.Sprintf("gateway %s routes to %s %s", r.System.Gateways[g].Service.Short(), rt.To.Short(), at(src)))
				}
			}
			if c.call != "" && !slices.Equal(found, []string{c.call}) {
				t.Errorf("%q, want %q", found, c.call)
			}
			faults := 0
			for _, f := range r.Faults {
				if filepath.Base(f.Pos.File) == "all.yaml" && f.Pos.Line == c.fault {
					faults++
				}
			}
			if c.fault != 0 && faults != 1 || c.fault == 0 && len(r.Faults) > 0 {
				t.Errorf("faults %v, want one in line %d", r.Faults, c.fault)
			}
		})
	}
}
