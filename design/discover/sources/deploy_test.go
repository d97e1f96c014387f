package sources_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
)

func discovered(t *testing.T, o *discover.Options, paths ...string) *discover.Result {
	t.Helper()
	r, err := discover.Run(t.Context(), sources.All(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// calls lists who calls whom, and where that is known from.
func calls(s arch.System) string {
	var b strings.Builder
	for _, e := range s.Edges() {
		src := s.Ledger.Where(e.At("to"), e.At())
		fmt.Fprintf(&b, "%s -> %s %s:%d:%d\n", e.From.Short(), e.Call.To.Short(), filepath.Base(src.File), src.Line, src.Col)
	}
	for _, name := range arch.Sorted(s.Services) {
		for _, op := range arch.Sorted(s.Services[name].Operations) {
			fmt.Fprintf(&b, "%s on %s\n", name, s.Services[name].Operations[op].Trigger)
		}
	}
	for _, name := range arch.Sorted(s.Topics) {
		t := s.Topics[name]
		fmt.Fprintf(&b, "topic %s of %s, %d partitions, %s\n", name, t.Broker, t.Partitions.Or(0), t.Retention.Or(0))
	}
	return b.String()
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func workload(name, image, more string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec:\n  template:\n    metadata: {labels: {app: " + name + "}}\n    spec:\n      containers: [{name: main, image: " + image + "}]\n" + more + "---\n"
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	mount := "      volumes: [{name: c, configMap: {name: conf}}]\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"files inside ConfigMaps": {map[string]string{
			"order.yaml": workload("order", "order:1", mount) + workload("db", "postgres:16", "") + `apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data:
  application.yaml: |

    spring:
      datasource:
        url: jdbc:postgresql://db:5432/orders
  application-prod.properties: |
    price.url=http://price:8080
    other=1
  readme.txt: one line
`,
			"edge.yaml": workload("edge", "nginx:1", "      volumes: [{name: c, projected: {sources: [{configMap: {name: edge}}]}}]\n") + workload("price", "price:1", "") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: edge}\ndata:\n  nginx.conf: |\n    upstream o { server order:80; }\n    server {\n      location / { proxy_pass http://o; }\n      location /p { proxy_pass http://price:8080/; }\n    }\n",
		}, "edge -> order edge.yaml:25:25\nedge -> price edge.yaml:28:32\norder -> price order.yaml:30:5\norder -> db order.yaml:28:14\n"},
		"Knative": {map[string]string{
			"s.yaml": "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: order}\nspec:\n  template:\n    metadata: {annotations: {autoscaling.knative.dev/max-scale: \"9\"}}\n    spec: {containerConcurrency: 5, containers: [{image: order:1, env: [{name: PAY_URL, value: http://pay.default.svc.cluster.local}]}]}\n---\n" +
				"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: pay}\nspec: {template: {spec: {containers: [{image: pay:1}]}}}\n",
		}, "order -> pay s.yaml:7:96\n"},
		"Strimzi": {map[string]string{
			"k.yaml": "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: main}\nspec: {kafka: {}}\n---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaNodePool\nmetadata: {name: b, labels: {strimzi.io/cluster: main}}\nspec: {replicas: 3, roles: [broker]}\n---\n" +
				"apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: orders}\nspec: {partitions: 6}\n---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaUser\nmetadata: {name: order-user}\nspec: {authorization: {acls: [{resource: {type: topic, name: ord, patternType: prefix}, operations: [Write, Read]}]}}\n",
			"o.yaml": workload("order", "order:1, env: [{name: BROKERS, value: \"main-kafka-bootstrap:9092\"}]", "      volumes: [{name: u, secret: {secretName: order-user}}]\n"),
		}, "order -> main o.yaml:8:78\norder -> orders k.yaml:19:23\norder on topic orders\ntopic orders of kafka, 6 partitions, 0s\n"},
		"Aspire": {map[string]string{
			"aspire-manifest.json": `{"resources": {
"cache": {"type": "container.v0", "image": "redis:7", "connectionString": "{cache.bindings.tcp.host}", "bindings": {"tcp": {"scheme": "tcp"}}},
"api": {"type": "project.v0", "path": "Api.csproj", "bindings": {"http": {"scheme": "http"}}},
"web": {"type": "project.v0", "path": "Web.csproj", "env": {
  "services__api__http__0": "{api.bindings.http.url}",
  "ConnectionStrings__cache": "{cache.connectionString}"}}}}`,
		}, "web -> api aspire-manifest.json:5:29\nweb -> cache aspire-manifest.json:6:31\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, c.files)
			r := discovered(t, nil, dir)
			if got := calls(r.System); got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
			if name == "Knative" {
				d := r.System.Deployments[arch.DeploymentKey("", "order")]
				if d.Max != arch.Some(9) || d.Concurrency != arch.Some(5) || d.Replicas != arch.Some(0) {
					t.Errorf("%+v", d)
				}
			}
			if name == "Strimzi" && (r.System.Services["main"].Role != arch.RoleBroker || r.System.Deployments[arch.DeploymentKey("", "main")].Replicas != arch.Some(3)) {
				t.Errorf("%+v", r.System.Deployments)
			}
		})
	}
}

// The public files of testdata; see the notes there.
func TestPublicFiles(t *testing.T) {
	t.Parallel()
	got := calls(discovered(t, nil, "testdata/knative", "testdata/strimzi").System)
	want := "node-server -> bookstore-broker 300-sinkbinding.yaml:1:1\nevent-display on topic bookstore-broker\ntopic bookstore-broker of knative, 0 partitions, 0s\ntopic my-topic of kafka, 1 partitions, 2h0m0s\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// A folder of 2,000 mixed files takes less than 10 seconds of a processor, and
// the order in which files come changes nothing.
func TestTwoThousandFiles(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{}
	for i := range 100 {
		c := fmt.Sprintf("charts/c%d/", i)
		files[c+"Chart.yaml"] = fmt.Sprintf("name: c%d\nversion: 1.0.0\n", i)
		files[c+"values.yaml"], files[c+"values-prod.yaml"] = "count: 1\n", "count: 4\n"
		files[c+"templates/_h.tpl"] = "{{ define \"n\" }}{{ .Release.Name }}{{ end }}"
		files[c+"templates/d.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ include \"n\" . }}}\nspec: {replicas: {{ .Values.count }}, template: {spec: {containers: [{name: a, image: \"a:1\", env: [{name: NEXT_ADDR, value: \"k" + fmt.Sprint(i) + ":80\"}]}]}}}\n"
		files[c+"templates/NOTES.txt"] = "hi"
		k := fmt.Sprintf("deploy/k%d/", i)
		files[k+"base/kustomization.yaml"] = "resources: [d.yaml]\nconfigMapGenerator: [{name: c, files: [application.properties]}]\n"
		files[k+"base/application.properties"] = "spring.application.name=k\nx.url=http://c1:80\n"
		files[k+"base/d.yaml"] = workload(fmt.Sprintf("k%d", i), "k:1", "")
		files[k+"overlays/prod/kustomization.yaml"] = "resources: [../../base]\nreplicas: [{name: k" + fmt.Sprint(i) + ", count: 3}]\n"
		for j := range 10 {
			files[fmt.Sprintf("src/s%d/f%d.yaml", i, j)] = workload(fmt.Sprintf("s%d-%d", i, j), "s:1", "")
		}
	}
	write(t, dir, files)
	if len(files) != 2000 {
		t.Fatalf("%d files", len(files))
	}
	t.Chdir(dir)
	before := cpu(t)
	a := discovered(t, nil, "charts", "deploy", "src")
	used := cpu(t) - before
	t.Logf("%s of processor for %d files, %d of them read", used, a.Files, a.Read)
	if used > 10*time.Second && !raced {
		t.Errorf("2,000 files took %s", used)
	}
	b := discovered(t, nil, "src", "deploy", "charts")
	if string(a.System.AppendText(nil, true)) != string(b.System.AppendText(nil, true)) {
		t.Error("the order of paths changes the result")
	}
	if d := a.System.Deployments[arch.DeploymentKey("prod", "c7")]; d.Replicas != arch.Some(4) {
		t.Errorf("%+v", d)
	}
	if d := a.System.Deployments[arch.DeploymentKey("prod", "k7")]; d.Replicas != arch.Some(3) {
		t.Errorf("%+v", d)
	}
}

// One system that is described thrice: by two charts, either of which deploys it,
// and by a compose file. A release's name is nobody's own, and one way to run a
// thing does not contradict another.
func TestOneNameForWhatIsDeployedInSeveralWays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: registry}\nspec: {selector: {app: \"{{ .Release.Name }}-eureka\"}, ports: [{port: 8761}]}\n"
	chart := func(replicas int) string {
		return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: \"{{ .Release.Name }}-eureka\"}\nspec: {replicas: %d, template: {metadata: {labels: {app: \"{{ .Release.Name }}-eureka\"}}, spec: {containers: [{name: a, image: \"acme/eureka:1\"}]}}}\n", replicas) + service
	}
	alone := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: \"{{ .Release.Name }}-cart\"}\nspec: {template: {spec: {containers: [{name: a, image: \"acme/cart:1\"}]}}}\n"
	write(t, dir, map[string]string{
		"a/Chart.yaml": "name: shop-support\nversion: 1.0.0\n", "a/templates/d.yaml": chart(1) + "---\n" + alone,
		"b/Chart.yaml": "name: shop-mesh\nversion: 1.0.0\n", "b/templates/d.yaml": chart(1),
		"compose.yaml": "services:\n  registry: {image: \"acme/eureka:1\"}\n",
	})
	s := discovered(t, nil, dir).System
	if got := strings.Join(arch.Sorted(s.Services), " "); got != "registry shop-support-cart" {
		t.Errorf("services %s", got)
	}
	if got := s.Services["registry"].Aliases; strings.Join(got, " ") != "shop-mesh-eureka shop-support-eureka" {
		t.Errorf("aliases %v", got)
	}
	if got := strings.Join(arch.Sorted(s.Deployments), " "); got != "/registry /shop-support-cart compose/registry" {
		t.Errorf("deployments %s", got)
	}
	if cs := s.Ledger.Conflicts(); len(cs) > 0 {
		t.Errorf("conflicts %v", cs)
	}
}

// What a chart's template says on behalf of a value is known from both places.
func TestValuesBehindTemplates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\nspec:\n  replicas: {{ .Values.replicas }}\n  template: {spec: {containers: [{name: a, image: \"{{ .Values.image.name }}:{{ .Values.global.tag }}\"}]}}\n"
	write(t, dir, map[string]string{
		"shop/Chart.yaml": "name: shop\nversion: 1.0.0\n", "shop/templates/d.yaml": strings.Replace(deployment, "NAME", "order", 1),
		"shop/values.yaml":                 "replicas: 1\nimage:\n  name: order\nglobal:\n  tag: 1\npay:\n  replicas: 2\n",
		"shop/values-prod.yaml":            "# more\nreplicas: 4\n",
		"shop/charts/pay/Chart.yaml":       "name: pay\nversion: 1.0.0\n",
		"shop/charts/pay/templates/d.yaml": strings.Replace(deployment, "NAME", "pay", 1),
		"shop/charts/pay/values.yaml":      "image: {name: pay}\nreplicas: 1\n",
	})
	via := func(environment string, of arch.Ref, at arch.Field) string {
		s := discovered(t, &discover.Options{Environment: environment}, dir).System
		return strings.ReplaceAll(s.Ledger.Where(arch.Fact{Of: of, At: at}).Via, dir+"/", "")
	}
	for _, c := range []struct{ environment, service, want, image string }{
		{"", "order", "rendered with the chart's values.yaml; replicas at shop/values.yaml:1", "rendered with the chart's values.yaml; image.name at shop/values.yaml:3, global.tag at shop/values.yaml:5"},
		{"prod", "order", "rendered with values-prod.yaml; replicas at shop/values-prod.yaml:2", "rendered with values-prod.yaml; image.name at shop/values.yaml:3, global.tag at shop/values.yaml:5"},
		{"", "pay", "rendered with the chart's values.yaml; replicas at shop/values.yaml:7", "rendered with the chart's values.yaml; image.name at shop/charts/pay/values.yaml:1, global.tag at shop/values.yaml:5"},
	} {
		if got := via(c.environment, arch.DeploymentRef(c.environment, c.service), "/replicas"); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.environment, c.service, got, c.want)
		}
		if got := via(c.environment, arch.NewRef(arch.KindService, c.service), "/run/image"); got != c.image {
			t.Errorf("%s %s: %q, want %q", c.environment, c.service, got, c.image)
		}
	}
}
