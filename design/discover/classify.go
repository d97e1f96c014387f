package discover

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Class is what an image or a name gives away about a workload.
type Class struct {
	Store string // kind of store, "" when it is none
	Role  string // of a service, "" for an app
	Why   string // "image redis:7", "its name"
}

// stores by the last part of the image's name.
var storeImages = map[string]string{
	"valkey-server": "redis", "postgres": "postgres", "postgresql": "postgres", "postgis": "postgres", "timescaledb": "postgres", "mysql": "mysql", "mysql-server": "mysql", "mariadb": "mariadb", "percona": "mysql",
	"mongo": "mongodb", "mongodb": "mongodb", "redis": "redis", "redis-stack": "redis", "redis-stack-server": "redis", "valkey": "redis", "keydb": "redis", "dragonfly": "redis", "memcached": "memcached", "cassandra": "cassandra", "scylla": "cassandra",
	"couchdb": "couchdb", "couchbase": "couchbase", "elasticsearch": "elasticsearch", "opensearch": "opensearch", "neo4j": "neo4j", "cockroach": "cockroach", "clickhouse": "clickhouse", "clickhouse-server": "clickhouse",
	"influxdb": "influxdb", "minio": "s3", "etcd": "etcd", "dynamodb-local": "dynamodb", "mssql": "mssql", "server": "", "oracle-xe": "oracle",
}

var roleImages = map[string]string{
	"rabbitmq": arch.RoleBroker, "kafka": arch.RoleBroker, "cp-kafka": arch.RoleBroker, "confluent-local": arch.RoleBroker, "nats": arch.RoleBroker, "nats-server": arch.RoleBroker, "redpanda": arch.RoleBroker, "pulsar": arch.RoleBroker, "activemq": arch.RoleBroker,
	"activemq-artemis": arch.RoleBroker, "eclipse-mosquitto": arch.RoleBroker, "emqx": arch.RoleBroker, "nacos-server": arch.RoleRegistry, "eureka": arch.RoleRegistry, "consul": arch.RoleRegistry, "zookeeper": arch.RoleRegistry, "cp-zookeeper": arch.RoleRegistry,
	"jaeger": arch.RoleTelemetry, "all-in-one": arch.RoleTelemetry, "zipkin": arch.RoleTelemetry, "prometheus": arch.RoleTelemetry, "alertmanager": arch.RoleTelemetry, "grafana": arch.RoleTelemetry, "loki": arch.RoleTelemetry, "tempo": arch.RoleTelemetry,
	"otel-collector": arch.RoleTelemetry, "opentelemetry-collector": arch.RoleTelemetry, "opentelemetry-collector-contrib": arch.RoleTelemetry, "fluentd": arch.RoleTelemetry, "fluent-bit": arch.RoleTelemetry, "kibana": arch.RoleTelemetry,
	"kube-state-metrics": arch.RoleTelemetry, "node-exporter": arch.RoleTelemetry, "cadvisor": arch.RoleTelemetry, "pushgateway": arch.RoleTelemetry, "statsd-exporter": arch.RoleTelemetry, "fluentd-elasticsearch": arch.RoleTelemetry, "logstash": arch.RoleTelemetry, "opensearch-dashboards": arch.RoleTelemetry, "keycloak": arch.RoleIdentity, "dex": arch.RoleIdentity, "hydra": arch.RoleIdentity, "oauth2-proxy": arch.RoleIdentity,
	"flagd": arch.RoleConfig, "kong": arch.RoleGateway, "traefik": arch.RoleGateway, "envoy": arch.RoleGateway, "haproxy": arch.RoleGateway, "krakend": arch.RoleGateway, "locust": arch.RoleLoadgen, "k6": arch.RoleLoadgen, "gatling": arch.RoleLoadgen, "fortio": arch.RoleLoadgen,
}

// humps are where words of a name meet that are told apart by case only.
var humps = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// roleWords are looked for among the words of a name, first match wins.
var roleWords = []struct {
	role  string
	words []string
}{
	{arch.RoleLoadgen, []string{"loadgenerator", "loadgen", "loadtest", "locust", "k6"}},
	{arch.RoleGateway, []string{"gateway", "apigateway", "zuul", "ingress", "proxy"}},
	{arch.RoleRegistry, []string{"eureka", "registry", "discovery"}},
	{arch.RoleTelemetry, []string{"jaeger", "zipkin", "prometheus", "grafana", "otelcol", "otel", "opamp", "hystrix", "turbine", "telemetry", "kibana"}},
	{arch.RoleUI, []string{"frontend", "ui", "web", "webapp", "webui", "storefront"}},
}

// ImageBase is an image's name without registry, folder, tag and digest.
func ImageBase(image string) string {
	image, _, _ = strings.Cut(image, "@")
	base, _, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	return base
}

// ImageRepository is an image's name without tag and digest.
func ImageRepository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	return image
}

// Classify tells stores, brokers, gateways and the like from services by image
// and name. An image is stronger evidence than a name.
func Classify(image, name string) Class {
	repo, _, _ := strings.Cut(image, "@")
	base := ImageBase(image)
	if kind := storeImages[base]; kind != "" {
		return Class{Store: kind, Why: "image " + base}
	}
	if base == "server" && strings.Contains(repo, "mssql") {
		return Class{Store: "mssql", Why: "image " + repo}
	}
	if role := roleImages[base]; role != "" {
		return Class{Role: role, Why: "image " + base}
	}
	if of, ok := strings.CutSuffix(base, "-exporter"); ok && (storeImages[of] != "" || roleImages[of] != "" || of == "blackbox") { // of metrics; a report-exporter is somebody's service
		return Class{Role: arch.RoleTelemetry, Why: "image " + base}
	}
	own := strings.TrimSuffix(strings.TrimSuffix(base, "-db"), "-database")
	if i := strings.LastIndexByte(own, '-'); i >= 0 { // somebody's own image of a known store
		if kind := storeImages[own[i+1:]]; kind != "" {
			return Class{Store: kind, Why: "image " + base}
		}
	}
	words := strings.FieldsFunc(strings.ToLower(humps.ReplaceAllString(name, "$1-$2")), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	if base == "" && len(words) > 0 { // the image is not known: the name has to do
		for _, w := range []string{words[0], words[len(words)-1]} {
			if kind := storeImages[w]; kind != "" {
				return Class{Store: kind, Why: "its name"}
			}
			if role := roleImages[w]; role != "" {
				return Class{Role: role, Why: "its name"}
			}
		}
	}
	if n := len(words); n > 1 && (words[n-1] == "tests" || words[n-1] == "e2e") { // calls like a user does, and nobody waits for it
		return Class{Role: arch.RoleLoadgen, Why: "its name"}
	}
	if slices.Contains(words, "load") && slices.Contains(words, "generator") {
		return Class{Role: arch.RoleLoadgen, Why: "its name"}
	}
	if slices.Contains(words, "config") && (slices.Contains(words, "server") || len(words) == 1) {
		return Class{Role: arch.RoleConfig, Why: "its name"}
	}
	for _, rw := range roleWords {
		for _, w := range rw.words {
			if slices.Contains(words, w) {
				return Class{Role: rw.role, Why: "its name"}
			}
		}
	}
	return Class{}
}

// ProtocolOf guesses a protocol from a port, its name or a scheme; "" when
// nothing speaks for one.
func ProtocolOf(scheme, portName, port string) string {
	switch s := strings.ToLower(scheme); s {
	case "http", "https", "grpc", "amqp", "redis", "kafka", "nats", "ws":
		return strings.TrimSuffix(s, "s")
	case "postgres", "postgresql", "mysql", "sqlserver", "oracle", "mariadb":
		return "sql"
	case "mongodb", "mongodb+srv":
		return "mongodb"
	case "rediss":
		return "redis"
	}
	name, _, _ := strings.Cut(strings.ToLower(portName), "-")
	switch name {
	case "grpc", "http", "http2", "https", "tcp", "mongo", "redis", "mysql":
		return map[string]string{"http2": "http", "https": "http", "mongo": "mongodb", "mysql": "sql"}[name] + map[string]string{"grpc": "grpc", "http": "http", "redis": "redis"}[name]
	}
	return map[string]string{"6379": "redis", "27017": "mongodb", "3306": "sql", "5432": "sql", "1433": "sql", "9092": "kafka", "5672": "amqp", "4222": "nats", "11211": "memcached", "80": "http", "443": "http", "8080": "http", "50051": "grpc"}[port]
}
