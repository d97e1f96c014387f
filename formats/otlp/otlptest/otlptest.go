// Package otlptest makes streams of OTLP traces of any length to measure and to
// test with: a shop of six services, spans of about 450 bytes with 12 attributes,
// the spans of a trace spread over a minute between those of thousands of others.
package otlptest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ashlar-dev/ashlar/formats/otlp"
)

// Shape of a stream; zero fields mean the default.
type Shape struct {
	Spans  int     // about so many; default 100,000
	Rate   float64 // spans per second of the stream's own time; default 2,500
	Spread float64 // seconds over which the spans of a trace lie; default 60
	Batch  int     // spans of one message; default 100
	Seed   uint64
}

// Start of every stream, nanoseconds since 1970.
const Start = 1_700_000_000_000_000_000

// SpansPerTrace is how many spans every trace has.
const SpansPerTrace = 10

type event struct {
	end     int64
	service int
	span    otlp.Span
}

var services = []string{"frontend", "checkout", "payment", "inventory", "shipping", "notify"}

// hops of a trace: parent, service, kind, offset and length as shares of the
// trace's time.
var hops = [SpansPerTrace]struct {
	parent, service int
	kind            otlp.Kind
	from, length    float64
	what            string
}{
	{-1, 0, otlp.KindServer, 0, 1, "POST /checkout/{cart}"},
	{0, 0, otlp.KindClient, .05, .9, "POST"},
	{1, 1, otlp.KindServer, .06, .88, "POST /orders/{id}"},
	{2, 1, otlp.KindClient, .1, .3, "Charge"},
	{3, 2, otlp.KindServer, .12, .26, "Charge"},
	{4, 2, otlp.KindClient, .15, .1, "INSERT"},
	{2, 1, otlp.KindClient, .15, .4, "Reserve"},
	{6, 3, otlp.KindServer, .17, .36, "Reserve"},
	{7, 3, otlp.KindClient, .2, .2, "UPDATE"},
	{2, 1, otlp.KindProducer, .7, .01, "publish"},
}

// Messages makes the messages of a stream, in the order in which they would be
// sent, each one resource's.
func Messages(shape Shape) [][]byte {
	if shape.Spans == 0 {
		shape.Spans = 100_000
	}
	if shape.Rate == 0 {
		shape.Rate = 2500
	}
	if shape.Spread == 0 {
		shape.Spread = 60
	}
	if shape.Batch == 0 {
		shape.Batch = 100
	}
	rng := rand.New(rand.NewPCG(shape.Seed, 42))
	traces := max(1, shape.Spans/SpansPerTrace)
	events := make([]event, 0, traces*SpansPerTrace)
	for t := range traces {
		begin := Start + int64(float64(t)*SpansPerTrace/shape.Rate*1e9)
		events = append(events, trace(rng, uint64(t)+1, begin, shape.Spread*1e9)...)
	}
	slices.SortStableFunc(events, func(x, y event) int { return int(min(1, max(-1, x.end-y.end))) })
	var out [][]byte
	waiting := make([][]otlp.Span, len(services))
	flush := func(s int) {
		if len(waiting[s]) > 0 {
			out = append(out, otlp.AppendTraces(nil, []otlp.ResourceSpans{{Resource: resource(s), Spans: waiting[s]}}))
			waiting[s] = waiting[s][:0]
		}
	}
	for _, e := range events {
		waiting[e.service] = append(waiting[e.service], e.span)
		if len(waiting[e.service]) == shape.Batch {
			flush(e.service)
		}
	}
	for s := range services {
		flush(s)
	}
	return out
}

func resource(s int) otlp.Resource {
	return otlp.Resource{Attributes: attrs("service.name", services[s], "service.version", "1.4.2", "deployment.environment.name", "prod",
		"k8s.pod.name", services[s]+"-7d9f4c6b5-x2x7p", "telemetry.sdk.language", "go", "telemetry.sdk.version", "1.38.0")}
}

func trace(rng *rand.Rand, n uint64, begin int64, spread float64) []event {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], n)
	length := spread * (.8 + .2*rng.Float64())
	out := make([]event, SpansPerTrace)
	for i, h := range hops {
		s := otlp.Span{TraceID: id, Name: h.what, Kind: h.kind, Start: uint64(begin + int64(h.from*length)), Status: otlp.StatusUnset, Flags: 0x101}
		s.End = s.Start + uint64(h.length*length)
		binary.BigEndian.PutUint64(s.SpanID[:], n*16+uint64(i)+1)
		if h.parent >= 0 {
			binary.BigEndian.PutUint64(s.ParentID[:], n*16+uint64(h.parent)+1)
		}
		s.Attributes = attributes(rng, i)
		if i == 4 && rng.IntN(50) == 0 {
			s.Status = otlp.StatusError
		}
		out[i] = event{int64(s.End), h.service, s}
	}
	return out
}

// attributes are 12 for every span, as SDKs write them.
func attributes(rng *rand.Rand, hop int) []otlp.KeyValue {
	order, user := fmt.Sprint(rng.IntN(1_000_000)), fmt.Sprint(rng.IntN(10_000))
	common := attrs("user.id", user, "session.id", fmt.Sprintf("%016x", rng.Uint64()), "thread.name", "worker-7")
	common = append(common, otlp.KeyValue{Key: "thread.id", Value: otlp.IntValue(int64(rng.IntN(64)))})
	var own []otlp.KeyValue
	switch hop {
	case 0, 2:
		own = attrs("http.request.method", "POST", "http.route", hops[hop].what[5:], "url.path", "/orders/"+order, "url.scheme", "http",
			"client.address", "10.42.3.17", "network.protocol.version", "1.1", "user_agent.original", "Go-http-client/1.1")
		own = append(own, otlp.KeyValue{Key: "http.response.status_code", Value: otlp.IntValue(200)})
	case 1:
		own = attrs("http.request.method", "POST", "url.full", "http://checkout:8080/orders/"+order, "server.address", "checkout", "network.protocol.version", "1.1",
			"network.peer.address", "10.42.7.4", "user_agent.original", "Go-http-client/1.1")
		own = append(own, otlp.KeyValue{Key: "server.port", Value: otlp.IntValue(8080)}, otlp.KeyValue{Key: "http.response.status_code", Value: otlp.IntValue(200)})
	case 3, 4, 6, 7:
		service := map[bool]string{true: "shop.payment.v1.Payment", false: "shop.inventory.v1.Inventory"}[hop < 5]
		own = attrs("rpc.system", "grpc", "rpc.service", service, "rpc.method", hops[hop].what, "server.address", services[hops[hop].service],
			"network.type", "ipv4", "network.peer.address", "10.42.9.11")
		own = append(own, otlp.KeyValue{Key: "rpc.grpc.status_code", Value: otlp.IntValue(0)}, otlp.KeyValue{Key: "server.port", Value: otlp.IntValue(9090)})
	case 5, 8:
		table := map[bool]string{true: "payments", false: "stock"}[hop == 5]
		own = attrs("db.system.name", "postgresql", "db.namespace", table, "db.operation.name", hops[hop].what, "db.collection.name", table,
			"db.query.text", "/* order "+user+" */ "+hops[hop].what+" "+table+" WHERE id = $1", "server.address", table+"-db", "network.peer.address", "10.42.1.5")
		own = append(own, otlp.KeyValue{Key: "server.port", Value: otlp.IntValue(5432)})
	default:
		own = attrs("messaging.system", "kafka", "messaging.destination.name", "orders", "messaging.operation.type", "send", "messaging.operation.name", "publish",
			"messaging.client.id", "checkout-producer-1", "server.address", "kafka-0.kafka", "messaging.kafka.message.key", order)
		own = append(own, otlp.KeyValue{Key: "messaging.destination.partition.id", Value: otlp.StringValue("3")})
	}
	return append(own, common...)
}

func attrs(kv ...string) (out []otlp.KeyValue) {
	for i := 0; i < len(kv); i += 2 {
		out = append(out, otlp.KeyValue{Key: kv[i], Value: otlp.StringValue(kv[i+1])})
	}
	return out
}

// Shift changes the messages of a stream in place into those of the same stream
// later on: its traces get new IDs, its times move by the length of the stream.
// It returns the number of spans.
func Shift(messages [][]byte, round uint64, by int64) (spans int) {
	for _, m := range messages {
		spans += shiftMessage(m, round, by)
	}
	return spans
}

// shiftMessage relies on how AppendTraces lays spans out: the trace ID is the
// first field of a span, its times are 64-bit fields.
func shiftMessage(m []byte, round uint64, by int64) (spans int) {
	each(m, 1, func(resource []byte) {
		each(resource, 2, func(scope []byte) {
			each(scope, 2, func(span []byte) {
				spans++
				binary.BigEndian.PutUint32(span[2:], uint32(round)) // the first bytes of the trace ID
				fixed(span, by)
			})
		})
	})
	return spans
}

func each(b []byte, field uint64, f func([]byte)) {
	for i := 0; i < len(b); {
		tag, n := binary.Uvarint(b[i:])
		i += n
		switch tag & 7 {
		case 2:
			l, n := binary.Uvarint(b[i:])
			i += n
			if tag>>3 == field {
				f(b[i : i+int(l)])
			}
			i += int(l)
		case 1:
			i += 8
		case 5:
			i += 4
		default:
			_, n := binary.Uvarint(b[i:])
			i += n
		}
	}
}

func fixed(span []byte, by int64) {
	for i := 0; i < len(span); {
		tag, n := binary.Uvarint(span[i:])
		i += n
		switch tag & 7 {
		case 2:
			l, n := binary.Uvarint(span[i:])
			i += n + int(l)
		case 1:
			binary.LittleEndian.PutUint64(span[i:], binary.LittleEndian.Uint64(span[i:])+uint64(by))
			i += 8
			if tag>>3 == 8 {
				return // the end is the last of the two
			}
		case 5:
			i += 4
		default:
			_, n := binary.Uvarint(span[i:])
			i += n
		}
	}
}
