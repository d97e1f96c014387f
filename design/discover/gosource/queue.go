package gosource

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// op is what a method of a queue's library does: publish or subscribe, with the
// parameter that names the topic; -1: the receiver's value, -2: the message's
// Topic field, -3: exchange and key.
type op struct {
	kind    string // kafka, nats, amqp, pubsub, sqs, sns
	publish bool
	topic   int
	handler int // parameter of the function that takes messages; -1: the caller loops
}

var queues = map[string]op{
	"github.com/IBM/sarama.SyncProducer.SendMessage":                 {"kafka", true, -2, -1},
	"github.com/IBM/sarama.SyncProducer.SendMessages":                {"kafka", true, -2, -1},
	"github.com/IBM/sarama.Consumer.ConsumePartition":                {"kafka", false, 0, -1},
	"github.com/IBM/sarama.ConsumerGroup.Consume":                    {"kafka", false, 1, 2},
	"github.com/twmb/franz-go/pkg/kgo.Client.Produce":                {"kafka", true, -2, -1},
	"github.com/twmb/franz-go/pkg/kgo.Client.ProduceSync":            {"kafka", true, -2, -1},
	"github.com/twmb/franz-go/pkg/kgo..ConsumeTopics":                {"kafka", false, 0, -1},
	"github.com/segmentio/kafka-go.Writer.WriteMessages":             {"kafka", true, -2, -1},
	"github.com/segmentio/kafka-go.Reader.ReadMessage":               {"kafka", false, -1, -1},
	"github.com/segmentio/kafka-go.Reader.FetchMessage":              {"kafka", false, -1, -1},
	"github.com/nats-io/nats.go.Conn.Publish":                        {"nats", true, 0, -1},
	"github.com/nats-io/nats.go.Conn.PublishMsg":                     {"nats", true, -2, -1},
	"github.com/nats-io/nats.go.Conn.Subscribe":                      {"nats", false, 0, 1},
	"github.com/nats-io/nats.go.Conn.QueueSubscribe":                 {"nats", false, 0, 2},
	"github.com/nats-io/nats.go.JetStreamContext.Publish":            {"nats", true, 0, -1},
	"github.com/nats-io/nats.go.JetStream.Publish":                   {"nats", true, 0, -1},
	"github.com/nats-io/nats.go.JetStreamContext.Subscribe":          {"nats", false, 0, 1},
	"github.com/nats-io/nats.go.JetStream.Subscribe":                 {"nats", false, 0, 1},
	"github.com/nats-io/nats.go.JetStreamContext.QueueSubscribe":     {"nats", false, 0, 2},
	"github.com/nats-io/nats.go.JetStream.QueueSubscribe":            {"nats", false, 0, 2},
	"github.com/nats-io/nats.go.JetStreamContext.PullSubscribe":      {"nats", false, 0, -1},
	"github.com/nats-io/nats.go.JetStream.PullSubscribe":             {"nats", false, 0, -1},
	"github.com/nats-io/nats.go/jetstream.JetStream.Publish":         {"nats", true, 1, -1},
	"github.com/nats-io/nats.go/jetstream.Publisher.Publish":         {"nats", true, 1, -1},
	"github.com/rabbitmq/amqp091-go.Channel.Publish":                 {"amqp", true, -3, -1},
	"github.com/rabbitmq/amqp091-go.Channel.PublishWithContext":      {"amqp", true, -4, -1},
	"github.com/rabbitmq/amqp091-go.Channel.Consume":                 {"amqp", false, 0, -1},
	"github.com/rabbitmq/amqp091-go.Channel.ConsumeWithContext":      {"amqp", false, 1, -1},
	"cloud.google.com/go/pubsub.Topic.Publish":                       {"pubsub", true, -1, -1},
	"cloud.google.com/go/pubsub.Publisher.Publish":                   {"pubsub", true, -1, -1},
	"cloud.google.com/go/pubsub.Subscription.Receive":                {"pubsub", false, -1, 1},
	"cloud.google.com/go/pubsub.Subscriber.Receive":                  {"pubsub", false, -1, 1},
	"github.com/aws/aws-sdk-go-v2/service/sqs.Client.SendMessage":    {"sqs", true, -2, -1},
	"github.com/aws/aws-sdk-go-v2/service/sqs.Client.ReceiveMessage": {"sqs", false, -2, -1},
	"github.com/aws/aws-sdk-go-v2/service/sns.Client.Publish":        {"sns", true, -2, -1},
}

// sameLibrary: forks and older homes of one library.
var sameLibrary = map[string]string{"github.com/Shopify/sarama": "github.com/IBM/sarama", "github.com/streadway/amqp": "github.com/rabbitmq/amqp091-go"}

func queueOp(o *types.Func) (op, bool) {
	p := pkgPath(o)
	if q, ok := sameLibrary[p]; ok {
		p = q
	}
	x, ok := queues[p+"."+recvName(o)+"."+o.Name()]
	return x, ok
}

// broker reads what is published and consumed.
func (f *fn) broker(e *ast.CallExpr, o *types.Func) bool {
	x, ok := queueOp(o)
	if !ok {
		return false
	}
	topic := f.topic(e, x.topic)
	if x.publish {
		c := client{Client: code.Client{Method: f.id, Kind: "topic", Target: topic, Verb: "publish " + x.kind, Pos: f.position(e.Pos())}}
		f.around(&c, e)
		f.sum.Clients = append(f.sum.Clients, c)
		return true
	}
	r := route{Kind: "topic", Method: x.kind, Path: topic, In: f.id, Handler: f.id, Pos: f.position(e.Pos())}
	if x.handler >= 0 && x.handler < len(e.Args) {
		if h := f.handler(e.Args[x.handler]); h != "" {
			r.Handler = h
		}
		if strings.HasSuffix(string(r.Handler), "#ServeHTTP") { // sarama's handler is an object
			r.Handler = typeMethod(r.Handler, "ConsumeClaim")
		}
	}
	f.sum.Routes = append(f.sum.Routes, r)
	return true
}

func typeMethod(m code.MethodID, name string) code.MethodID {
	return code.MethodID(string(typeOfMethod(m)) + "#" + name)
}

func (f *fn) topic(e *ast.CallExpr, n int) string {
	recv := func() string {
		if s, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok {
			return f.text(s.X)
		}
		return sql.Hole
	}
	arg := func(i int) string {
		if i < len(e.Args) {
			return f.text(e.Args[i])
		}
		return sql.Hole
	}
	switch n {
	case -1:
		return recv()
	case -2:
		for _, a := range e.Args {
			if t := f.messageTopic(a); !blank(t) {
				return t
			}
		}
		return recv()
	case -3, -4:
		ex, key := arg(0), arg(1)
		if n == -4 {
			ex, key = arg(1), arg(2)
		}
		if ex == "" {
			return key
		}
		if key == "" || blank(key) {
			return ex
		}
		return ex + "/" + key
	}
	return arg(n)
}

// messageTopic is the topic that a message says itself.
func (f *fn) messageTopic(a ast.Expr) string {
	l := compositeOf(a)
	if l == nil {
		if o := f.object(a); o != nil {
			for _, d := range f.defs[o] {
				if l = compositeOf(d.expr); l != nil {
					break
				}
				if c, ok := ast.Unparen(d.expr).(*ast.CallExpr); ok && calledName(c) == "NewMsg" && len(c.Args) > 0 {
					return f.text(c.Args[0])
				}
			}
		}
	}
	if l == nil {
		return sql.Hole
	}
	for _, x := range l.Elts {
		switch kv, ok := x.(*ast.KeyValueExpr); {
		case ok:
			if k, ok := kv.Key.(*ast.Ident); ok {
				switch k.Name {
				case "Topic", "Subject", "QueueUrl", "TopicArn":
					return f.text(kv.Value)
				}
			}
		default: // a list of messages
			return f.messageTopic(x)
		}
	}
	return sql.Hole
}

// brokerText evaluates writers, readers, topics and subscriptions to their topic,
// and connections to their address.
func (f *fn) brokerText(o *types.Func, e *ast.CallExpr, depth int) (string, bool) {
	p, name := pkgPath(o), o.Name()
	switch {
	case p == "cloud.google.com/go/pubsub" && (name == "Topic" || name == "Subscription" || name == "Publisher" || name == "Subscriber") && len(e.Args) == 1,
		p == "github.com/twmb/franz-go/pkg/kgo" && name == "DefaultProduceTopic":
		return f.evaluate(e.Args[0], depth+1), true
	case p == "github.com/segmentio/kafka-go" && (name == "NewWriter" || name == "NewReader") && len(e.Args) == 1:
		if l := compositeOf(e.Args[0]); l != nil {
			return f.messageTopic(l), true
		}
	case p == "github.com/twmb/franz-go/pkg/kgo" && name == "NewClient":
		for _, a := range e.Args {
			if c, ok := ast.Unparen(a).(*ast.CallExpr); ok && calledName(c) == "DefaultProduceTopic" && len(c.Args) == 1 {
				return f.evaluate(c.Args[0], depth+1), true
			}
		}
	}
	return "", false
}

// send: sarama's asynchronous producer takes messages from a channel.
func (f *fn) send(n *ast.SendStmt) {
	c, ok := ast.Unparen(n.Chan).(*ast.CallExpr)
	if !ok || calledName(c) != "Input" {
		return
	}
	o := f.callee(c)
	if o == nil || !strings.HasSuffix(pkgPath(o), "/sarama") {
		return
	}
	x := client{Client: code.Client{Method: f.id, Kind: "topic", Target: f.messageTopic(n.Value), Verb: "publish kafka", Pos: f.position(n.Pos())}}
	f.around(&x, n)
	f.sum.Clients = append(f.sum.Clients, x)
}
