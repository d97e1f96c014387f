package blueprint

import (
	"cmp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

func (b *builder) box(x *Box) {
	ref := b.Refs[x.ID]
	if x.Named {
		return
	}
	switch ref.Kind() {
	case arch.KindService:
		b.service(x, ref)
	case arch.KindStore:
		kind := cmp.Or(x.Product, discover.Classify(x.Image, "").Store, StoreKind(append(x.Words, x.Image)...), discover.Classify("", ref.Name()).Store)
		b.System.Stores[ref.Name()] = arch.Store{Kind: kind, Run: arch.Run{Image: x.Image, Ports: x.Ports}}
	case arch.KindTopic:
		b.System.Topics[ref.Name()] = arch.Topic{Broker: cmp.Or(x.Product, brokerKind(x.Words))}
	case arch.KindExternal:
		b.System.Externals[ref.Name()] = arch.External{Host: x.Host}
	case arch.KindGateway:
		b.System.Gateways[ref.Name()] = arch.Gateway{Kind: x.Product, Hosts: x.Hosts}
	default:
		return
	}
	b.at(x.At, ref, "", "/kind", "/role", "/lang", "/owner", "/context", "/broker", "/host", "/aliases", "/run/image")
}

func (b *builder) service(x *Box, ref arch.Ref) {
	class := discover.Classify(x.Image, ref.Name())
	svc := arch.Service{Role: cmp.Or(x.Role, Role(x.Words...), Role(lastWord(x.Name)), class.Role), Lang: cmp.Or(x.Lang, Lang(x.Words...)), Owner: x.Owner, Context: x.Context, Run: arch.Run{Image: x.Image, Ports: x.Ports}}
	if svc.Context == "" && x.Ref == "" && b.areas[x.Inside] {
		svc.Context = cmp.Or(b.boxes[x.Inside].Context, Slug(b.boxes[x.Inside].Name))
	}
	if c := svc.Context; c != "" {
		b.System.Contexts[c] = arch.Context{}
		at := x.At
		if around := b.boxes[x.Inside]; around != nil {
			at = around.At
		}
		b.at(at, arch.NewRef(arch.KindContext, c), "")
	}
	if svc.Owner != "" {
		b.System.Teams[svc.Owner] = arch.Team{}
		b.at(x.At, arch.NewRef(arch.KindTeam, svc.Owner), "")
	}
	if shown := Slug(x.Shown); shown != "" && plain(shown) != plain(ref.Name()) {
		svc.Aliases = []string{shown}
	}
	for _, trigger := range arch.Sorted(x.Operations) {
		if svc.Operations == nil {
			svc.Operations = map[string]arch.Operation{}
		}
		svc.Operations[trigger] = arch.Operation{Trigger: trigger}
		b.at(x.Operations[trigger], arch.NewRef(arch.KindOp, ref.Name(), trigger), "", "/trigger")
	}
	if old, ok := b.System.Services[ref.Name()]; ok { // a second box of the same Ref
		old.Role, old.Lang, old.Owner, old.Context = cmp.Or(old.Role, svc.Role), cmp.Or(old.Lang, svc.Lang), cmp.Or(old.Owner, svc.Owner), cmp.Or(old.Context, svc.Context)
		svc = old
	}
	b.System.Services[ref.Name()] = svc
}

func plain(s string) string { return strings.ReplaceAll(s, "-", "") }

// words parts texts into words of small letters; c#, c++ and .net keep their signs.
func words(texts []string) []string {
	var out []string
	for _, t := range texts {
		out = append(out, strings.FieldsFunc(strings.ToLower(t), func(r rune) bool {
			return strings.ContainsRune(" -_/:,;()[]{}\t\n·&|\"'", r)
		})...)
	}
	return out
}

var langs = map[string]string{"go": "go", "golang": "go", "java": "java", "spring": "java", "quarkus": "java", "micronaut": "java", "kotlin": "kotlin", "scala": "scala", "python": "python", "django": "python", "flask": "python",
	"fastapi": "python", "typescript": "typescript", "nestjs": "typescript", "angular": "typescript", "javascript": "javascript", "node": "javascript", "node.js": "javascript", "nodejs": "javascript", "react": "javascript", "express": "javascript",
	"vue": "javascript", "vue.js": "javascript", "c#": "csharp", ".net": "csharp", "asp.net": "csharp", "csharp": "csharp", "ruby": "ruby", "rails": "ruby", "php": "php", "laravel": "php", "rust": "rust", "elixir": "elixir", "erlang": "erlang", "swift": "swift", "c++": "cpp"}

// Lang finds a programming language among words; the first that is one counts.
func Lang(texts ...string) string {
	for _, w := range words(texts) {
		if l := langs[strings.TrimRight(w, "0123456789.")]; l != "" {
			return l
		}
		if l := langs[w]; l != "" {
			return l
		}
	}
	return ""
}

var storeKinds = map[string]string{"postgres": "postgres", "postgresql": "postgres", "aurora": "postgres", "timescaledb": "postgres", "mysql": "mysql", "mariadb": "mariadb", "mongo": "mongodb", "mongodb": "mongodb", "documentdb": "mongodb",
	"redis": "redis", "valkey": "redis", "elasticache": "redis", "memcached": "memcached", "cassandra": "cassandra", "scylladb": "cassandra", "dynamodb": "dynamodb", "oracle": "oracle", "mssql": "mssql", "sqlserver": "mssql", "elasticsearch": "elasticsearch",
	"opensearch": "opensearch", "neo4j": "neo4j", "couchdb": "couchdb", "couchbase": "couchbase", "clickhouse": "clickhouse", "influxdb": "influxdb", "s3": "s3", "minio": "s3", "sqlite": "sqlite", "h2": "h2", "db2": "db2", "snowflake": "snowflake", "bigquery": "bigquery", "cosmosdb": "cosmosdb", "ldap": "ldap"}

// StoreKind finds the product that keeps data among words.
func StoreKind(texts ...string) string {
	ws := words(texts)
	for i, w := range ws {
		if k := storeKinds[w]; k != "" {
			return k
		}
		if w == "sql" && i+1 < len(ws) && ws[i+1] == "server" {
			return "mssql"
		}
	}
	return ""
}

var (
	storeWords  = set("database", "db", "datastore", "cache", "bucket", "storage", "s3", "rds", "aurora", "dynamodb", "elasticache", "warehouse", "schema", "store", "keyspace", "knowledgebase", "cylinder")
	topicWords  = set("topic", "queue", "stream", "exchange", "subject", "pipe")
	brokerWords = set("broker", "messagebroker", "bus", "messagebus", "eventbus", "kafka", "rabbitmq", "activemq", "nats", "pulsar")
	roles       = map[string]string{"gateway": arch.RoleGateway, "apigateway": arch.RoleGateway, "elb": arch.RoleGateway, "loadbalancer": arch.RoleGateway, "balancer": arch.RoleGateway, "proxy": arch.RoleGateway, "webclient": arch.RoleUI, "webbrowser": arch.RoleUI, "browser": arch.RoleUI,
		"mobiledeviceportrait": arch.RoleUI, "mobiledevicelandscape": arch.RoleUI, "spa": arch.RoleUI, "frontend": arch.RoleUI, "ui": arch.RoleUI, "cognito": arch.RoleIdentity, "identity": arch.RoleIdentity, "observability": arch.RoleTelemetry, "registry": arch.RoleRegistry, "job": arch.RoleJob}
)

func set(ws ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range ws {
		m[w] = true
	}
	return m
}

// KindOf tells a store and a topic from a service by a type, tags, or technology;
// ok is false when nothing speaks for either.
func KindOf(texts ...string) (k Kind, ok bool) {
	for _, w := range words(texts) {
		switch {
		case storeWords[w] || storeKinds[w] != "":
			return Store, true
		case topicWords[w]:
			return Topic, true
		}
	}
	return Other, false
}

// lastWord of a name says what it is: "Message Broker", "API Gateway".
func lastWord(name string) string {
	ws := words([]string{name})
	if len(ws) == 0 {
		return ""
	}
	return ws[len(ws)-1]
}

// KindOfName tells a store and a topic from a service by the last word of a name:
// "Orders Database", but neither "Cache Warmer" nor "Web Store".
func KindOfName(name string) (k Kind, ok bool) {
	switch w := lastWord(name); w {
	case "store", "stream", "subject", "exchange", "pipe":
		return Other, false
	default:
		return KindOf(w)
	}
}

// Role finds a service's role among words.
func Role(texts ...string) string {
	for _, w := range words(texts) {
		if brokerWords[w] {
			return arch.RoleBroker
		}
		if r := roles[w]; r != "" {
			return r
		}
	}
	return ""
}

var brokers = set("kafka", "rabbitmq", "activemq", "nats", "pulsar", "sqs", "sns", "kinesis", "eventhub", "mqtt", "jms", "redpanda")

func brokerKind(texts []string) string {
	for _, w := range words(texts) {
		if brokers[w] {
			return w
		}
	}
	return ""
}
