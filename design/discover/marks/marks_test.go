package marks_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover/marks"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"a/main.go", "import \"github.com/rabbitmq/amqp091-go\"\nch.Consume(\"orders\", \"\", true, false, false, false, nil)", "early-ack 2"},
		{"a/main.go", "import \"github.com/rabbitmq/amqp091-go\"\n// ch.Consume(\"orders\", \"\", true, false)", ""},
		{"a/main.go", "import \"github.com/rabbitmq/amqp091-go\"\nch.Consume(\"orders\", \"\", false, true, false, false, nil)", ""},
		{"a/main.go", "import \"github.com/rabbitmq/amqp091-go\"\nch.Consume(replies.Name, \"\", true, false, false, false, nil)", ""},
		{"a/Consumer.cs", "new ConsumerConfig { GroupId = \"x\", EnableAutoCommit = true }", "early-ack 1"},
		{"a/Consumer.cs", "new ConsumerConfig { EnableAutoCommit = true, EnableAutoOffsetStore = false }", ""},
		{"a/c.py", "from confluent_kafka import Consumer\nConsumer({'enable.auto.commit': True})", "early-ack 2"},
		{"a/c.py", "import pika\nch.basic_consume('q', on, auto_ack=True)", "early-ack 2"},
		{"a/c.js", "channel.consume(q, on, { noAck: true })", "early-ack 1"},
		{"a/C.java", "channel.basicConsume(QUEUE, true, consumer);", "early-ack 1"},
		{"a/Saga.java", "return new InMemorySagaStore();", "memory-saga 1"},
		{"a/Saga.java", "/* return new InMemorySagaStore(); */", ""},
		{"a/Program.cs", "x.AddSagaStateMachine<A, B>().InMemoryRepository();", "memory-saga 1"},
		{"a/t.go", "sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.1))", "sampler 1"},
		{"a/t.go", "sdktrace.TraceIDRatioBased(1.0)", ""},
		{"a/logback.xml", "<encoder class=\"net.logstash.logback.encoder.LogstashEncoder\"/>", "log-form 1"},
		{"a/logback.xml", "<pattern>%d %msg%n</pattern>", "log-form 1"},
		{"a/Auth.java", "Jwts.parser().setSigningKey(key).parseClaimsJws(t)", "token-check 1"},
		{"a/pom.xml", "<artifactId>spring-boot-starter-actuator</artifactId>", "health 1"},
		{"a/pom.xml", "<!-- <artifactId>spring-boot-starter-actuator</artifactId> -->", ""},
		{"a/go.mod", "require go.opentelemetry.io/otel v1.0.0", "tracing 1"},
		{"a/package.json", `{"dependencies": {"@openfeature/server-sdk": "1.0.0", "express": "4"}}`, "feature-flags 1 http-server 1"},
	} {
		var got []string
		for _, m := range marks.Find(c.name, []byte(c.text)).Marks {
			if n := string(m.Kind) + " " + string(rune('0'+m.Pos.Line)); len(got) == 0 || got[len(got)-1] != n {
				got = append(got, n)
			}
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s %q: %q, want %q", c.name, c.text, g, c.want)
		}
	}
}

// Whatever a file holds, places lie in it.
func FuzzFind(f *testing.F) {
	for _, name := range []string{"a.go", "a.py", "a.java", "pom.xml", "logback.xml", "a.cs", "a.js"} {
		f.Add(name, []byte("\"github.com/rabbitmq/amqp091-go\" x.Consume(q, \"\", true, /* `"))
	}
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		for _, m := range marks.Find(name, src).Marks {
			if m.Pos.Line < 1 || m.Pos.Col < 1 || m.Pos.Line > 1+bytes.Count(src, []byte("\n")) {
				t.Fatal(m)
			}
		}
	})
}
