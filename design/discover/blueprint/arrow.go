package blueprint

import (
	"cmp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// arrow makes a call of an arrow: its caller is a service (or a gateway, whose
// arrows are routes).
func (b *builder) arrow(a Arrow) {
	from, to := b.Refs[a.From], b.Refs[a.To]
	if a.Reversed {
		from, to = to, from
	}
	if b.area(a.From) || b.area(a.To) {
		b.left["arrows of a box that holds others: whose they are is not said"]++
		return
	}
	if from.Kind() == arch.KindTopic && to.Kind() == arch.KindService { // drawn as the events flow
		from, to, a.Way = to, from, arch.AccessSubscribe
	}
	switch {
	case from == to && from != "":
		return
	case from == "" || to == "": // people, data, machines
		if b.boxes[a.From] == nil || b.boxes[a.To] == nil {
			b.left["arrows to or from what is not there"]++
		}
	case from.Kind() == arch.KindService:
		b.call(a, from, to)
	case from.Kind() == arch.KindGateway:
		gw := b.System.Gateways[from.Name()]
		r := arch.Route{ID: cmp.Or(a.ID, string(to)), To: to}
		gw.Routes = append(gw.Routes, r)
		b.System.Gateways[from.Name()] = gw
		b.at(a.At, from, arch.Field("").Join("routes", r.ID), arch.Field("").Join("routes", r.ID, "to"))
	case from.Kind() == arch.KindTopic && to.Kind() == arch.KindTopic:
		t := b.System.Topics[from.Name()]
		if t.DeadLetter == "" && strings.Contains(strings.ToLower(a.Text+to.Name()), "dead") || strings.Contains(to.Name(), "dlq") {
			t.DeadLetter = to.Name()
			b.at(a.At, from, "/dead-letter")
		}
		b.System.Topics[from.Name()] = t
	case from.Kind() == arch.KindExternal:
		b.left["arrows from systems of others, whose calls the model does not hold"]++
	default:
		b.left["arrows out of a store: a store calls nobody"]++
	}
}

func (b *builder) area(id string) bool {
	x := b.boxes[id]
	return x != nil && x.Kind == Area
}

func (b *builder) call(a Arrow, from, to arch.Ref) {
	svc := b.System.Services[from.Name()]
	id := arch.CallID(to, 1)
	c, seen := svc.Uses[id]
	c.To = to
	if a.Way == "" && !a.Stated {
		a.Way = access(to.Kind(), a.Text)
	}
	c.Access = stronger(c.Access, a.Way)
	c.Protocol = cmp.Or(c.Protocol, a.Protocol)
	c.Why = cmp.Or(c.Why, a.Text)
	if a.Async && !seen {
		c.Async = arch.Some(true)
	}
	if svc.Uses == nil {
		svc.Uses = map[string]arch.Call{}
	}
	svc.Uses[id] = c
	b.System.Services[from.Name()] = svc
	e := arch.Edge{From: from, ID: id}
	for _, way := range []string{"to", "access", "protocol", "why", "async"} {
		f := e.At(way)
		b.at(a.At, f.Of, f.At)
	}
	b.at(a.At, from, e.At().At)
}

// stronger: who writes, reads as well; two ways that differ otherwise leave it
// open.
func stronger(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case a == arch.AccessWrite || b == arch.AccessWrite:
		return arch.AccessWrite
	}
	return a
}

var (
	reads  = set("read", "reads", "queries", "query", "looks", "loads", "fetches", "retrieves", "gets", "selects")
	writes = set("write", "writes", "writing", "stores", "persists", "saves", "inserts", "updates", "records", "deletes")
	takes  = set("subscribes", "consumes", "reads", "listens", "receives", "polls", "processes")
)

// access is what the words on an arrow say about how its end is touched.
func access(to arch.Kind, text string) string {
	var read, write, take bool
	for _, w := range words([]string{text}) {
		read, write, take = read || reads[w], write || writes[w], take || takes[w]
	}
	switch {
	case to == arch.KindTopic && take:
		return arch.AccessSubscribe
	case to == arch.KindTopic:
		return arch.AccessPublish
	case to != arch.KindStore:
		return ""
	case write:
		return arch.AccessWrite
	case read:
		return arch.AccessRead
	}
	return ""
}

// Protocol is a protocol of the model in words of people: "HTTPS", "JSON/HTTPS",
// "gRPC", "JDBC", "Kafka"; "" for none and for those that say only how bytes
// travel.
func Protocol(texts ...string) string {
	for _, w := range words(texts) {
		if p := protocols[strings.TrimRight(w, "0123456789.")]; p != "" {
			return p
		}
	}
	return ""
}

var protocols = map[string]string{"http": "http", "https": "http", "rest": "http", "json": "http", "graphql": "http", "soap": "http", "grpc": "grpc", "jdbc": "sql", "odbc": "sql", "sql": "sql", "ef": "sql", "amqp": "amqp", "amqps": "amqp", "rabbitmq": "amqp",
	"kafka": "kafka", "nats": "nats", "redis": "redis", "mongodb": "mongodb", "websocket": "ws", "websockets": "ws", "wss": "ws", "ws": "ws", "socketio": "ws", "ftp": "ftp", "sftp": "sftp", "ldap": "ldap", "smtp": "smtp", "mqtt": "mqtt", "jms": "jms"}
