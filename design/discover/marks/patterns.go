package marks

import (
	"bytes"
	"regexp"
)

// pattern is how a mark looks.
type pattern struct {
	kind  Kind
	langs []string
	word  string // stands in every text that the pattern fits, one of words where it is empty; looked for first
	words []string
	at    *regexp.Regexp // the place
	// line: the place lies within one line and holds one of the words itself, so only
	// such lines are tried. Words such as "status" stand in most files.
	line  bool
	fold  bool   // words are lower-case and stand for others, too
	value string // else the first group
	// with and without must and must not stand in the file; drop not in the match.
	with, without, drop *regexp.Regexp
}

var (
	sources = []string{jvm, golang, python, script, csharp}
	replies = regexp.MustCompile(`(?i)repl(?:y|ies)|callback|response|rpc`)
	// Words of the patterns below, each alternative begins with or holds one.
	tracers   = []string{"spring-cloud-", "micrometer-tracing", "opentracing", "opencensus", "jaeger-client", "brave", "zipkin-go", "dd-trace", "dd-java-agent", "newrelic", "elastic-apm", "skywalking", "pinpoint-agent", "applicationinsights", "aws-xray-sdk", "stackdriver-trace", "instana", "quarkus-opentelemetry", "honeycomb-", "sentry-tracing"}
	checkers  = []string{"actuator", "micronaut-management", "smallrye-health", "dropwizard-core", "terminus", "lightship", "AspNetCore.HealthChecks", "microprofile-health", "grpc-health-probe", "grpc_health_probe", "grpcio-health-checking", "go-grpc-middleware/"}
	switches  = []string{"open-feature", "openfeature", "launchdarkly", "unleash", "togglz", "ff4j", "flagsmith", "growthbook", "configcat", "flipt", "microsoft.featuremanagement"}
	servers   = []string{"spring-boot-starter-web", "micronaut-http-server", "quarkus-rest", "express", "fastify", "koa", "@nestjs/core", "flask", "Flask", "fastapi", "django", "Django", "aiohttp", "tornado", "Microsoft.NET.Sdk.Web"}
	probes    = []string{"health", "\"live", "'live", "/live", "\"read", "'read", "/read", "\"ping", "'ping", "/ping", "\"status", "'status", "/status", "actuator"}
	committed = "offsets are committed in the background, from when a message is handed out"
	forgotten = "the broker forgets a message when it has sent it"
)

// patterns, by kind. Where a line means something only with a library, the file
// must name it.
var patterns = []pattern{
	// RabbitMQ: consumers with automatic acknowledgement. Queues for replies may
	// forget: whoever waited asks again.
	{kind: EarlyAck, langs: []string{golang}, word: "amqp", at: regexp.MustCompile(`\.Consume(?:WithContext\([^,()]*,|\()\s*[^,]+,\s*[^,]+,\s*true\s*,`), value: forgotten, with: regexp.MustCompile(`"github\.com/(?:rabbitmq/amqp091-go|streadway/amqp)"`), drop: replies},
	{kind: EarlyAck, langs: []string{python}, word: "ack", at: regexp.MustCompile(`\b(?:auto_ack|no_ack)\s*=\s*True`), value: forgotten, with: regexp.MustCompile(`\bbasic_consume\b|\baio_pika\b`), without: replies},
	{kind: EarlyAck, langs: []string{script}, word: "noAck", at: regexp.MustCompile(`\bnoAck\s*:\s*true`), value: forgotten, with: regexp.MustCompile(`\.consume\(`), without: replies},
	{kind: EarlyAck, langs: []string{jvm}, word: "basicConsume", at: regexp.MustCompile(`\bbasicConsume\(\s*[^,()]+,\s*true\s*[,)]`), value: forgotten, drop: replies},
	{kind: EarlyAck, langs: []string{jvm}, word: "AcknowledgeMode.NONE", at: regexp.MustCompile(`\bAcknowledgeMode\.NONE\b`), value: forgotten},
	{kind: EarlyAck, langs: []string{jvm}, word: "ackMode", at: regexp.MustCompile(`\backMode\s*=\s*"NONE"`), value: forgotten},
	{kind: EarlyAck, langs: []string{csharp}, word: "BasicConsume", at: regexp.MustCompile(`\bBasicConsume(?:Async)?\(\s*(?:queue:\s*)?[^,()]+,\s*(?:autoAck:\s*|noAck:\s*)?true\b`), value: forgotten, drop: replies},
	// Kafka: clients on librdkafka store a message's offset when they hand it out,
	// unless they are told to leave that to the program. (Java's consumer commits
	// in poll, after the loop has handled what came before: it is not meant here.)
	{kind: EarlyAck, langs: []string{csharp}, word: "EnableAutoCommit", at: regexp.MustCompile(`\bEnableAutoCommit\s*=\s*true\b`), value: committed, without: regexp.MustCompile(`\bEnableAutoOffsetStore\s*=\s*false\b`)},
	{kind: EarlyAck, langs: []string{python, golang, script}, word: "enable.auto.commit", at: regexp.MustCompile(`["']enable\.auto\.commit["']\s*[:,]\s*["']?[Tt]rue\b`), value: committed, with: regexp.MustCompile(`confluent|node-rdkafka`), without: regexp.MustCompile(`enable\.auto\.offset\.store["']\s*[:,]\s*["']?[Ff]alse`)},
	{kind: EarlyAck, langs: []string{golang}, word: "segmentio/kafka-go", at: regexp.MustCompile(`\.ReadMessage\(\s*[A-Za-z]`), value: "ReadMessage commits a message's offset before it returns it", with: regexp.MustCompile(`\bGroupID:`)},

	{kind: MemorySaga, langs: []string{jvm}, word: "InMemorySagaStore", at: regexp.MustCompile(`\bnew\s+InMemorySagaStore\s*\(|[^\w.]InMemorySagaStore\s*\(\s*\)`), value: "Axon's InMemorySagaStore"},
	{kind: MemorySaga, langs: []string{csharp}, word: "InMemoryRepository", at: regexp.MustCompile(`\.InMemoryRepository\(\s*\)`), value: "MassTransit's InMemoryRepository", with: regexp.MustCompile(`Saga`)},
	{kind: MemorySaga, langs: []string{csharp}, word: "InMemorySagaRepository", at: regexp.MustCompile(`\bInMemorySagaRepository<|\bSetInMemorySagaRepositoryProvider\(`), value: "MassTransit's in-memory repository"},
	{kind: MemorySaga, langs: []string{csharp}, word: "Persistence>", at: regexp.MustCompile(`\bUsePersistence<(LearningPersistence|InMemoryPersistence|NonDurablePersistence)>`), with: regexp.MustCompile(`NServiceBus|EndpointConfiguration`)},
	{kind: MemorySaga, langs: []string{golang}, word: "patterns/saga", at: regexp.MustCompile(`sqlitestore\.Open\([^)]*":memory:`), value: "a journal of SQLite in memory"},

	{kind: Sampler, langs: []string{golang, python, script, jvm, csharp}, words: []string{"raceIDRatio", "raceIdRatio"}, at: regexp.MustCompile(`\b(?:TraceIDRatioBased|TraceIdRatioBased|TraceIdRatioBasedSampler|traceIdRatioBased|ParentBasedTraceIdRatio)\(\s*(0?\.\d+)\s*\)`)},
	{kind: Sampler, langs: []string{golang}, word: "ProbabilitySampler", at: regexp.MustCompile(`\bProbabilitySampler\(\s*(0?\.\d+)\s*\)`)},

	{kind: LogForm, langs: []string{logxml}, word: "ncoder", at: regexp.MustCompile(`LogstashEncoder|LoggingEventCompositeJsonEncoder|EcsEncoder|JsonEncoder|StackdriverJsonLayout`), value: "json"},
	{kind: LogForm, langs: []string{logxml}, word: "Layout", at: regexp.MustCompile(`<Json(?:Template)?Layout|JSONEventLayout|<EcsLayout|\.JsonLayout"`), value: "json"},
	{kind: LogForm, langs: []string{logxml}, word: "attern", at: regexp.MustCompile(`<pattern>\s*[^{<\s]|<PatternLayout\b`), value: "text", without: regexp.MustCompile(`[Jj]son|JSON|Logstash|Ecs`)},
	{kind: LogForm, langs: []string{golang}, words: []string{"NewJSONHandler", "JSONFormatter", "NewJSONLogger"}, line: true, at: regexp.MustCompile(`\bslog\.NewJSONHandler\(|\blogrus\.JSONFormatter\{|\blog\.NewJSONLogger\(`), value: "json"},
	{kind: LogForm, langs: []string{golang}, word: "zap.NewProduction", at: regexp.MustCompile(`\bzap\.NewProduction(?:Config)?\(`), value: "json"},
	{kind: LogForm, langs: []string{golang}, words: []string{"NewTextHandler", "TextFormatter"}, line: true, at: regexp.MustCompile(`\bslog\.NewTextHandler\(|\blogrus\.TextFormatter\{`), value: "text", without: regexp.MustCompile(`JSONHandler|JSONFormatter`)},
	{kind: LogForm, langs: []string{golang}, word: "NewLogfmtLogger", at: regexp.MustCompile(`\blog\.NewLogfmtLogger\(`), value: "text"},
	{kind: LogForm, langs: []string{python}, word: "json", at: regexp.MustCompile(`\bjsonlogger\.JsonFormatter\b|\bjson_log_formatter\b|\bCustomJsonFormatter\(`), value: "json"},
	{kind: LogForm, langs: []string{python}, word: "basicConfig", at: regexp.MustCompile(`\blogging\.basicConfig\([^)]*\bformat\s*=\s*["'][^{]`), value: "text", without: regexp.MustCompile(`jsonlogger|json_log_formatter`)},
	{kind: LogForm, langs: []string{script}, word: "pino", at: regexp.MustCompile(`require\(["']pino["']\)|from ["']pino["']`), value: "json", without: regexp.MustCompile(`pino-pretty`)},
	{kind: LogForm, langs: []string{script}, word: "format.", at: regexp.MustCompile(`\bwinston\.format\.json\(\)`), value: "json"},
	{kind: LogForm, langs: []string{script}, word: "format.", at: regexp.MustCompile(`\bwinston\.format\.simple\(\)`), value: "text", without: regexp.MustCompile(`format\.json\(`)},
	{kind: LogForm, langs: []string{csharp}, word: "Json", at: regexp.MustCompile(`\.AddJsonConsole\(|\bnew (?:Rendered)?CompactJsonFormatter\(`), value: "json"},
	{kind: LogForm, langs: []string{csharp}, word: "outputTemplate", at: regexp.MustCompile(`\boutputTemplate\s*:`), value: "text", without: regexp.MustCompile(`Json`)},

	{kind: TokenCheck, langs: []string{jvm}, word: "igningKey", at: regexp.MustCompile(`\.setSigningKey\(`), value: "shared secret", with: regexp.MustCompile(`\.parseClaimsJws\(|\.parser\w*\(\)`), without: regexp.MustCompile(`PublicKey|SigningKeyResolver`)},
	{kind: TokenCheck, langs: []string{jvm}, word: "Algorithm.HMAC", at: regexp.MustCompile(`\bJWT\.require\(\s*Algorithm\.HMAC\d+\(`), value: "shared secret"},
	{kind: TokenCheck, langs: []string{jvm}, word: "withJwkSetUri", at: regexp.MustCompile(`\bNimbus(?:Reactive)?JwtDecoder\.withJwkSetUri\(`), value: "public keys"},
	{kind: TokenCheck, langs: []string{jvm}, word: "JwkProvider", at: regexp.MustCompile(`\bnew (?:Url)?JwkProvider(?:Builder)?\(`), value: "public keys"},
	{kind: TokenCheck, langs: []string{jvm}, word: "TokenServices", at: regexp.MustCompile(`\bnew (?:Custom)?(?:UserInfoTokenServices|RemoteTokenServices)\(`), value: "asking the issuer"},
	{kind: TokenCheck, langs: []string{golang}, word: "SigningMethodHMAC", at: regexp.MustCompile(`\.\(\*jwt\.SigningMethodHMAC\)`), value: "shared secret"},
	{kind: TokenCheck, langs: []string{golang}, word: "oidc", at: regexp.MustCompile(`\boidc\.(?:NewRemoteKeySet|NewProvider)\(`), value: "public keys"},
	{kind: TokenCheck, langs: []string{golang}, word: "keyfunc", at: regexp.MustCompile(`\bkeyfunc\.(?:Get|NewDefault\w*)\(`), value: "public keys"},
	{kind: TokenCheck, langs: []string{python}, word: "jwt.decode", at: regexp.MustCompile(`\bjwt\.decode\([^)]*algorithms\s*=\s*\[\s*["']HS`), value: "shared secret"},
	{kind: TokenCheck, langs: []string{python}, word: "PyJWKClient", at: regexp.MustCompile(`\bPyJWKClient\(`), value: "public keys"},
	{kind: TokenCheck, langs: []string{script}, word: "jwt.verify", at: regexp.MustCompile(`\bjwt\.verify\([^)]*(?:[sS]ecret|SECRET)`), value: "shared secret"},
	{kind: TokenCheck, langs: []string{script}, word: "jwks", at: regexp.MustCompile(`\bjwksClient\(|\bcreateRemoteJWKSet\(|\bjwksRsa\.`), value: "public keys"},
	{kind: TokenCheck, langs: []string{csharp}, word: "IssuerSigningKey", at: regexp.MustCompile(`\bIssuerSigningKey\s*=\s*new SymmetricSecurityKey\(`), value: "shared secret"},
	{kind: TokenCheck, langs: []string{csharp}, word: "AddJwtBearer", at: regexp.MustCompile(`(?s)\bAddJwtBearer\(.{0,300}?\bAuthority\s*=`), value: "public keys"},

	{kind: Tracing, langs: append([]string{build}, sources...), words: []string{"elemetry", "ELEMETRY"}, line: true, at: regexp.MustCompile(`(?i)\bopentelemetry\b|@opentelemetry/|\bgo\.opentelemetry\.io/otel|OpenTelemetry\.`), value: "OpenTelemetry"},
	{kind: Tracing, langs: []string{build}, words: tracers, line: true, at: regexp.MustCompile(`spring-cloud-(?:starter-)?(?:sleuth|zipkin)[\w-]*|micrometer-tracing[\w-]*|\bopentracing\b|\bopencensus\b|jaeger-client[\w-]*|\bbrave\b|zipkin-go|dd-trace\w*|dd-java-agent|newrelic[\w-]*|elastic-apm[\w-]*|skywalking[\w-]*|pinpoint-agent|applicationinsights[\w-]*|aws-xray-sdk[\w-]*|stackdriver-trace|@instana/collector|\binstana\b|quarkus-opentelemetry|honeycomb-\w+|sentry-tracing`)},

	{kind: Health, langs: []string{build}, words: checkers, line: true, at: regexp.MustCompile(`spring-boot-starter-actuator|spring-boot-actuator[\w-]*|micronaut-management|quarkus-smallrye-health|dropwizard-core|@godaddy/terminus|@nestjs/terminus|lightship|AspNetCore\.HealthChecks[\w.]*|microprofile-health[\w-]*|grpc-health-probe|grpc_health_probe|grpcio-health-checking|go-grpc-middleware/providers`)},
	{kind: Health, langs: []string{build}, word: "HEALTHCHECK", at: regexp.MustCompile(`(?m)^HEALTHCHECK\s`), value: "HEALTHCHECK"},
	{kind: Health, langs: sources, words: probes, line: true, at: regexp.MustCompile(`["'/](?:_?health|_?healthz|health[_-]?check|livez?|liveness|readyz?|readiness|ping|status|actuator)["'/]`), value: "an endpoint"},
	{kind: Health, langs: sources, word: "ealth", line: true, at: regexp.MustCompile(`grpc_health_v1|grpc[./]health|HealthServicer|HealthImplBase|HealthStatusManager|MapHealthChecks|AddHealthChecks|MapDefaultEndpoints|HealthIndicator`), value: "an endpoint"},

	{kind: FeatureFlags, langs: []string{build}, words: switches, fold: true, line: true, at: regexp.MustCompile(`(?i)\bopen-?feature\b|launchdarkly|\bunleash(?:-client|-server|/)|\btogglz|\bff4j\b|flagsmith|growthbook|configcat|\bflipt\b|Microsoft\.FeatureManagement`)},

	{kind: Canary, langs: []string{manifest}, word: "argoproj.io/", at: regexp.MustCompile(`(?m)^kind:\s*["']?(Rollout)\b`)},
	{kind: Canary, langs: []string{manifest}, word: "flagger.app/", at: regexp.MustCompile(`(?m)^kind:\s*["']?(Canary)\b`)},

	{kind: SplitName, langs: []string{manifest}, word: "split.smi-spec.io/", at: regexp.MustCompile(`(?m)^  service:\s*["']?([\w-]+)`)},

	{kind: HTTPServer, langs: []string{build}, words: servers, line: true, at: regexp.MustCompile(`spring-boot-starter-web(?:flux)?\b|micronaut-http-server[\w-]*|quarkus-(?:rest|resteasy)[\w-]*|"(?:express|fastify|koa|@nestjs/core)"|(?m:^(?:flask|Flask|fastapi|Django|django|aiohttp|tornado)\b)|Microsoft\.NET\.Sdk\.Web`)},
	{kind: WholeBuild, langs: []string{build}, word: "<modules>", at: regexp.MustCompile(`<modules>`)},
}

// find gives the places of the pattern, as regexp.FindAllSubmatchIndex does.
func (p pattern) find(text []byte) [][]int {
	if !p.line {
		return p.at.FindAllSubmatchIndex(text, -1)
	}
	var out [][]int
	low := p.lower(text)
	for from := 0; from < len(text); {
		next := p.next(low[from:])
		if next < 0 {
			break
		}
		start := from + bytes.LastIndexByte(text[from:from+next], '\n') + 1
		end := len(text)
		if i := bytes.IndexByte(text[from+next:], '\n'); i >= 0 {
			end = from + next + i
		}
		for _, m := range p.at.FindAllSubmatchIndex(text[start:end], -1) {
			for i := range m {
				if m[i] >= 0 {
					m[i] += start
				}
			}
			out = append(out, m)
		}
		from = end
	}
	return out
}

// next is the index of the first of the words, -1 for none.
func (p pattern) next(text []byte) int {
	if p.word != "" {
		return bytes.Index(text, []byte(p.word))
	}
	first := -1
	for _, w := range p.words {
		if first >= 0 { // only what stands before counts
			text = text[:min(len(text), first+len(w))]
		}
		if i := bytes.Index(text, []byte(w)); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

// near reports whether a text may hold the pattern.
func (p pattern) near(text []byte) bool {
	return p.next(p.lower(text)) >= 0
}

// lower is the text in which the words are looked for, byte for byte as long.
func (p pattern) lower(text []byte) []byte {
	if !p.fold {
		return text
	}
	low := bytes.Clone(text)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + ('a' - 'A')
		}
	}
	return low
}
