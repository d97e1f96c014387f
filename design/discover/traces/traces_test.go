package traces_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
)

const second = int64(time.Second)

// tid makes a trace ID.
func tid(n uint64) (id traces.TraceID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// attrs makes attributes of names and values.
func attrs(kv ...string) (out []traces.Attr) {
	for i := 0; i < len(kv); i += 2 {
		if k := traces.KeyOf(kv[i]); k != traces.NoKey {
			out = append(out, traces.Attr{Key: k, Value: kv[i+1]})
		}
	}
	return out
}

// random makes traces of random trees: services that call each other, stores,
// topics, retries, failures, what is parallel and what is not, weights, orphans.
func random(rng *rand.Rand, n int) [][]traces.Span {
	var all [][]traces.Span
	for t := range n {
		var spans []traces.Span
		weight := float64(0)
		if rng.IntN(3) == 0 {
			weight = 1 + 9*rng.Float64()
		}
		id := tid(rng.Uint64()>>8 + uint64(t))
		var grow func(parent traces.SpanID, service int, from, to int64, depth int)
		add := func(parent traces.SpanID, service int, name string, k traces.Kind, from, to int64, a ...string) traces.SpanID {
			s := traces.Span{Trace: id, ID: traces.SpanID(len(spans) + 1), Parent: parent, Start: from, Duration: to - from, Service: fmt.Sprint("s", service), Name: name, Kind: k,
				Failed: rng.IntN(10) == 0, Weight: weight, Attrs: attrs(a...)}
			if rng.IntN(60) == 0 {
				s.Parent += 100_000
			}
			spans = append(spans, s)
			return s.ID
		}
		grow = func(parent traces.SpanID, service int, from, to int64, depth int) {
			me := add(parent, service, fmt.Sprint("op", rng.IntN(3)), traces.Server, from, to)
			for range rng.IntN(4) {
				a := from + rng.Int64N(max(1, (to-from)/2))
				b := a + rng.Int64N(max(1, to-a))
				switch rng.IntN(5) {
				case 0:
					add(me, service, "SELECT", traces.Client, a, b, "db.system", "postgresql", "db.sql.table", fmt.Sprint("t", rng.IntN(2)), "db.operation", "SELECT")
				case 1:
					add(me, service, "send", traces.Producer, a, b, "messaging.system", "kafka", "messaging.destination.name", "events")
				case 2:
					me = add(me, service, fmt.Sprint("step", rng.IntN(2)), traces.Internal, a, b)
				default:
					if depth < 4 {
						c := add(me, service, "call", traces.Client, a, b, "peer.service", fmt.Sprint("s", service+1))
						if rng.IntN(8) > 0 {
							grow(c, service+1, a+(b-a)/10, b-(b-a)/10, depth+1)
						}
					}
				}
			}
		}
		start := 1_700_000_000*second + int64(t)*second/4
		grow(0, 0, start, start+rng.Int64N(second), 0)
		all = append(all, spans)
	}
	return all
}

// text is all that a System says, with its claims and coverage.
func text(t *testing.T, a *traces.Aggregate) string {
	t.Helper()
	s, err := a.System(traces.Witness{By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			var f *arch.Fault
			if !errors.As(e, &f) || !f.Dangling {
				t.Error(e)
			}
		}
	}
	return string(s.AppendText(nil, true)) + fmt.Sprint(s.Coverage, a.Stats())
}

// The aggregate of two halves, merged, is the aggregate of the whole; and it
// does not matter in which order spans come.
func TestHalves(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 7))
		all := random(rng, 40)
		whole, left, right, mixed := traces.New(nil), traces.New(nil), traces.New(nil), traces.New(nil)
		var stream []traces.Span
		for i, spans := range all {
			whole.AddTrace(spans[0].Trace, spans)
			if i%2 == 0 {
				left.AddTrace(spans[0].Trace, spans)
			} else {
				right.AddTrace(spans[0].Trace, spans)
			}
			stream = append(stream, spans...)
		}
		rng.Shuffle(len(stream), func(i, j int) { stream[i], stream[j] = stream[j], stream[i] })
		for i := range stream {
			mixed.Add(&stream[i])
		}
		right.Merge(left)
		want := text(t, whole)
		if got := text(t, right); got != want {
			t.Fatalf("seed %d: halves differ: %s", seed, firstDifference(got, want))
		}
		if got := text(t, mixed); got != want {
			t.Fatalf("seed %d: shuffled differs: %s", seed, firstDifference(got, want))
		}
		if again := text(t, whole); again != want {
			t.Fatalf("seed %d: a second look differs: %s", seed, firstDifference(again, want))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %.400s\nwant %.400s", i, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// One span alone, in the words of every generation of the conventions.
func TestConventions(t *testing.T) {
	t.Parallel()
	const s, c, p, k = traces.Server, traces.Client, traces.Producer, traces.Consumer
	for _, x := range []struct {
		kind traces.Kind
		name string
		with string // name=value, separated by |
		want string // op and trigger, or what the service uses
	}{
		{s, "GET", "http.request.method=GET|http.route=/v1/orders/{id}|url.path=/v1/orders/7", "op a.GET /v1/orders/{id} [GET /v1/orders/{id}]"},
		{s, "GET /v1/orders/:id", "http.method=GET|http.route=/v1/orders/:id|http.target=/v1/orders/7?x=1", "op a.GET /v1/orders/:id [GET /v1/orders/:id]"},
		{s, "HTTP GET", "http.method=GET|http.url=http://h:80/v1/orders/4711?token=x", "op a.GET /v1/orders/{id} [GET /v1/orders/{id}]"},
		{s, "/v1/users/5f2b1c3d4e5f6a7b8c9d0e1f", "http.method=GET|http.target=/v1/users/5f2b1c3d4e5f6a7b8c9d0e1f", "op a./v1/users/{id} [GET /v1/users/{id}]"},
		{s, "shop.v1.Order/Place", "rpc.system=grpc|rpc.service=shop.v1.Order|rpc.method=Place", "op a.Place [grpc shop.v1.Order/Place]"},
		{s, "shop.v1.Order/Place", "rpc.system.name=grpc|rpc.method=shop.v1.Order/Place", "op a.Place [grpc shop.v1.Order/Place]"},
		{s, "/shop.v1.Order/Place", "rpc.system=grpc", "op a.Place [grpc shop.v1.Order/Place]"},
		{k, "process orders", "messaging.system=kafka|messaging.destination.name=orders|messaging.operation.type=process", "op a.process orders [topic orders]; a.process orders > topic/orders subscribe kafka"},
		{k, "orders process", "messaging.system=rabbitmq|messaging.destination=orders|messaging.operation=process", "op a.process orders [topic orders]; a.process orders > topic/orders subscribe rabbitmq"},
		{p, "send", "messaging.system=kafka|messaging.destination.name=orders", "a > topic/orders publish kafka"},
		{p, "orders publish", "messaging.system=kafka|messaging.destination=user.42.inbox|messaging.destination.template=user.{id}.inbox", "a > topic/user%2E{id}%2Einbox publish kafka"},
		{c, "SELECT shop.items", "db.system=mysql|db.name=shop|db.statement=SELECT * FROM items i WHERE i.id = ?|net.peer.name=mysql.shop.svc.cluster.local", "a > table/mysql.items read sql"},
		{c, "INSERT items", "db.system.name=postgresql|db.namespace=shop|db.query.text=insert into public.items (a) values ('from secret')", "a > table/shop.items write sql"},
		{c, "find items", "db.system=mongodb|db.mongodb.collection=items|db.operation=find|server.address=mongo-0.mongo", "a > table/mongo-0.items read mongodb"},
		{c, "GET", "db.system=redis|db.statement=GET user:4711|server.address=cache:6379", "a > store/cache read redis"},
		{c, "HSET", "db.system.name=redis|db.operation.name=HSET", "a > store/a-redis write redis"},
		{c, "query", "sql.query=select 1|peer.service=users-db", "a > store/users-db read sql"},
		{c, "GET", "http.request.method=GET|url.full=https://u:p@api.example.com/v1?key=s|server.address=api.example.com|server.port=443", "a > external/api%2Eexample%2Ecom call http"},
		{c, "GET", "http.method=GET|http.url=http://orders.shop.svc.cluster.local:8080/x", "a > service/orders call http"},
		{c, "get", "peer.service=orders", "a > service/orders call "},
		{c, "GET", "http.method=GET|net.peer.ip=10.0.0.1", ""},
		{c, "load_timeline_mongo_find_client", "", "a > store/a-mongodb read mongodb"},
	} {
		a := traces.New(nil)
		span := traces.Span{Trace: tid(1), ID: 1, Start: second, Duration: 5, Service: "a", Name: x.name, Kind: x.kind}
		for kv := range strings.SplitSeq(x.with, "|") {
			if n, v, ok := strings.Cut(kv, "="); ok {
				span.Attrs = append(span.Attrs, attrs(n, v)...)
			}
		}
		a.AddTrace(tid(1), []traces.Span{span})
		sys, err := a.System(traces.Witness{By: "test"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range sys.Refs(arch.KindOp) {
			got = append(got, fmt.Sprintf("op %s [%s]", r.Short(), sys.Services[r.Name()].Operations[r.Member()].Trigger))
		}
		for _, e := range sys.Edges() {
			got = append(got, fmt.Sprintf("%s > %s %s %s", e.From.Short(), e.Call.To, e.Call.Access, e.Call.Protocol))
		}
		if g := strings.Join(got, "; "); g != x.want {
			t.Errorf("%s %s\n got %s\nwant %s", x.name, x.with, g, x.want)
		}
		if all := string(sys.AppendText(nil, true)); strings.Contains(all, "secret") || strings.Contains(all, "4711") || strings.Contains(all, "u:p") || strings.Contains(all, "token") {
			t.Errorf("%s: a value of the span is in the result:\n%s", x.with, all)
		}
	}
}

// sql is one statement through a span.
func TestStatements(t *testing.T) {
	t.Parallel()
	for stmt, want := range map[string]string{
		"SELECT a, b FROM orders WHERE id = $1":                          "orders read",
		"select `o`.`id` from `orders` `o`":                              "orders read",
		`SELECT "x" FROM "public"."orders" JOIN lines ON true`:           "orders read",
		"/* app=shop */ SELECT 1 -- from nowhere\n FROM [dbo].[Orders]":  "Orders read",
		"INSERT INTO orders (a) SELECT b FROM other":                     "orders write",
		"INSERT IGNORE INTO orders VALUES (?)":                           "orders write",
		"UPDATE ONLY orders SET a = 'x from y'":                          "orders write",
		"DELETE FROM shop.orders WHERE a IN (SELECT id FROM b)":          "shop.orders write",
		"WITH x AS (SELECT * FROM a) INSERT INTO orders SELECT * FROM x": "orders write",
		"WITH x AS (SELECT * FROM a) SELECT * FROM orders":               "orders read",
		"SELECT * FROM (SELECT id FROM orders) q":                        "orders read",
		"MERGE INTO orders USING b ON true":                              "orders write",
		"TRUNCATE TABLE orders":                                          "orders write",
		"REPLACE INTO orders VALUES (1)":                                 "orders write",
		"SELECT extract(epoch from created) FROM orders":                 "orders read",
		"SELECT 'it''s from \\' nowhere' FROM orders":                    "orders read",
		"SELECT * FROM orders WHERE a = 'cut off in the mid":             "orders read",
		"BEGIN": " ",
		"":      " ",
	} {
		a := traces.New(nil)
		a.AddTrace(tid(1), []traces.Span{{Trace: tid(1), ID: 1, Service: "a", Kind: traces.Client, Name: "q", Attrs: attrs("db.system", "postgresql", "db.statement", stmt, "peer.service", "db")}})
		s, err := a.System(traces.Witness{By: "test"})
		if err != nil {
			t.Fatal(err)
		}
		es := s.Edges()
		if len(es) != 1 {
			t.Fatal(stmt, es)
		}
		if got := es[0].Call.To.Member() + " " + es[0].Call.Access; got != want {
			t.Errorf("%s: %q, want %q", stmt, got, want)
		}
	}
}

// serve is a server's span, call a client's.
func serve(id, parent traces.SpanID, service, name string, from, to int64) traces.Span {
	return traces.Span{Trace: tid(1), ID: id, Parent: parent, Start: second + from, Duration: to - from, Service: service, Name: name, Kind: traces.Server}
}

func call(id, parent traces.SpanID, service, name, peer string, from, to int64) traces.Span {
	s := serve(id, parent, service, name, from, to)
	s.Kind, s.Attrs = traces.Client, attrs("peer.service", peer)
	return s
}

func system(t *testing.T, spans ...traces.Span) (arch.System, traces.Stats) {
	t.Helper()
	a := traces.New(nil)
	a.AddTrace(tid(1), spans)
	s, err := a.System(traces.Witness{By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s, a.Stats()
}

func TestRetriesAndRepetition(t *testing.T) {
	t.Parallel()
	failed := call(2, 1, "a", "c", "b", 0, 10)
	failed.Failed = true
	resent := call(4, 1, "a", "c", "b", 30, 40)
	resent.Attrs = append(resent.Attrs, attrs("http.request.resend_count", "1")...)
	s, _ := system(t, serve(1, 0, "a", "op", 0, 100), failed, call(3, 1, "a", "c", "b", 10, 20), resent, call(5, 1, "a", "c", "b", 50, 60))
	c := s.Services["a"].Operations["op"].Calls["service/b#1"]
	// Four spans: one failed and was tried again, one says that it is a try, one is
	// a call of its own.
	if c.PerCall.Sum != 2 || c.Retried != arch.Some(.5) || c.Errors != arch.Some(.25) || c.Latency.N != 4 {
		t.Errorf("%+v", c)
	}
}

// Two calls at once, then one: the longer of the two and the last are what the
// operation waits for.
func TestCriticalPath(t *testing.T) {
	t.Parallel()
	s, _ := system(t, serve(1, 0, "a", "op", 0, 100), call(2, 1, "a", "x", "b", 10, 30), call(3, 1, "a", "y", "c", 10, 50), call(4, 1, "a", "z", "d", 60, 90))
	for id, want := range map[string]float64{"service/b#1": 0, "service/c#1": .4, "service/d#1": .3} {
		if got := s.Services["a"].Operations["op"].Calls[id].Critical; got != arch.Some(want) {
			t.Errorf("%s: %v, want %g", id, got, want)
		}
	}
}

// Calls of one site at the same time are parallel with themselves.
func TestFanOut(t *testing.T) {
	t.Parallel()
	s, _ := system(t, serve(1, 0, "a", "op", 0, 100), call(2, 1, "a", "x", "b", 10, 30), call(3, 1, "a", "x", "b", 11, 50), call(4, 1, "a", "x", "b", 12, 60))
	body := s.Services["a"].Operations["op"].Body
	if len(body.Steps) != 2 || body.Steps[1].Kind != arch.Par || body.Steps[1].Times.Sum != 3 || body.Steps[1].Steps[0].Call != "service/b#1" {
		t.Errorf("%+v", body)
	}
}

// A cache is asked always, the database on a miss, and then the cache is filled;
// a premium customer gets another path than the others.
func TestChoices(t *testing.T) {
	t.Parallel()
	a := traces.New(nil)
	for i := range uint64(100) {
		id := tid(i + 1)
		spans := []traces.Span{serve(1, 0, "a", "op", 0, 100), call(2, 1, "a", "get", "cache", 10, 20)}
		if i%4 == 0 {
			spans = append(spans, call(3, 1, "a", "find", "db", 20, 30), call(4, 1, "a", "put", "cache2", 30, 40))
		}
		if i%10 == 0 {
			spans = append(spans, call(5, 1, "a", "gold", "premium", 50, 60))
		} else {
			spans = append(spans, call(6, 1, "a", "tin", "plain", 50, 60))
		}
		for j := range spans {
			spans[j].Trace = id
		}
		a.AddTrace(id, spans)
	}
	s, err := a.System(traces.Witness{By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape(s.Services["a"].Operations["op"].Body), "seq(work cache choice(0.25:seq(db cache2)) choice(0.9:plain 0.1:premium))"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func shape(s arch.Step) string {
	out := string(s.Kind)
	if p, ok := s.Prob.Get(); ok {
		out = fmt.Sprintf("%g:%s", p, out)
	}
	switch s.Kind {
	case arch.Work:
		return out
	case arch.Do:
		to, _ := arch.SplitCallID(s.Call)
		return strings.TrimSuffix(out, "do") + to.Short()
	}
	var parts []string
	for _, c := range s.Steps {
		parts = append(parts, shape(c))
	}
	return out + "(" + strings.Join(parts, " ") + ")"
}

// Clocks: the server's is an hour late, which neither the order nor the network
// time may show.
func TestSkew(t *testing.T) {
	t.Parallel()
	const hour = 3600 * second
	s, stats := system(t,
		serve(1, 0, "a", "op", 0, 100), call(2, 1, "a", "x", "b", 10, 40), call(3, 1, "a", "y", "c", 50, 90),
		serve(4, 2, "b", "x", hour+20, hour+30), serve(5, 3, "c", "y", -hour, -hour+30))
	op := s.Services["a"].Operations["op"]
	if n := op.Calls["op/b.x#1"].Network; n.Sum != 20e-9 {
		t.Errorf("network %+v", n)
	}
	if n := op.Calls["op/c.y#1"].Network; n.Sum != 10e-9 {
		t.Errorf("network %+v", n)
	}
	if op.Body.Kind != arch.Seq || len(op.Body.Steps) != 3 || op.Body.Steps[1].Call != "op/b.x#1" || op.Body.Steps[2].Call != "op/c.y#1" {
		t.Errorf("body %+v", op.Body)
	}
	if stats.Skewed != 2 {
		t.Errorf("%+v", stats)
	}
}

func TestOddTrees(t *testing.T) {
	t.Parallel()
	loop1, loop2 := serve(1, 2, "a", "x", 0, 10), serve(2, 1, "b", "y", 0, 10)
	self := serve(3, 3, "c", "z", 0, 10)
	s, stats := system(t, loop1, loop2, self, serve(4, 99, "d", "w", 0, 1), serve(5, 0, "e", "v", 0, 1), serve(5, 0, "e", "v", 0, 1))
	if stats.Orphans != 3 || stats.Duplicates != 1 || len(s.Services) != 5 {
		t.Errorf("%+v %v", stats, arch.Sorted(s.Services))
	}
}

// Zipkin: both halves of a call have one ID; the server's children name it too.
func TestSharedIDs(t *testing.T) {
	t.Parallel()
	half := serve(2, 1, "b", "x", 2, 8)
	half.Shared = true
	s, stats := system(t, serve(1, 0, "a", "op", 0, 100), call(2, 1, "a", "c", "b", 0, 10), half, call(3, 2, "b", "d", "c", 3, 5), serve(4, 3, "c", "z", 3, 4))
	var got []string
	for _, e := range s.Edges() {
		got = append(got, e.From.Short()+" > "+e.Call.To.Short())
	}
	if !slices.Equal(got, []string{"a.op > b.x", "b.x > c.z"}) || stats.Orphans != 0 {
		t.Errorf("%v %+v", got, stats)
	}
	alone := serve(2, 1, "b", "x", 2, 8)
	alone.Shared = true
	s, stats = system(t, serve(1, 0, "a", "op", 0, 100), alone)
	if len(s.Edges()) != 1 || stats.Orphans != 0 {
		t.Errorf("client's half missing: %v %+v", s.Edges(), stats)
	}
}

func TestLateAndCaps(t *testing.T) {
	t.Parallel()
	a := traces.New(&traces.Options{Linger: time.Second, MaxTraces: 10, MaxTraceSpans: 3})
	at := func(trace uint64, id traces.SpanID, sec int64) {
		a.Add(&traces.Span{Trace: tid(trace), ID: id, Start: (1000 + sec) * second, Duration: 1, Service: "a", Name: "op", Kind: traces.Server})
	}
	at(1, 1, 0)
	at(2, 1, 1)
	at(3, 1, 2) // closes 1
	at(1, 2, 2)
	if s := a.Stats(); s.Late != 1 || s.Traces == 0 {
		t.Errorf("late: %+v", s)
	}
	for i := range 5 {
		at(4, traces.SpanID(i+1), 2)
	}
	if s := a.Stats(); s.Cut != 2 {
		t.Errorf("cut: %+v", s)
	}
	for i := range uint64(50) {
		at(100+i, 1, 2)
	}
	if s := a.Stats(); s.Evicted < 40 {
		t.Errorf("evicted: %+v", s)
	}
	before := a.Stats()
	at(500, 1, 1_000_000) // one span from the far future closes nothing
	at(501, 1, 2)
	at(501, 2, 2)
	if s := a.Stats(); s.Late != before.Late {
		t.Errorf("far future: %+v", s)
	}
	a.Flush()
	if s := a.Stats(); s.Spans != 1+1+1+1+5+50+1+2 || s.Traces != 3+1+50+2 {
		t.Errorf("all: %+v", s)
	}
}

func TestManyNames(t *testing.T) {
	t.Parallel()
	a := traces.New(&traces.Options{MaxNames: 20})
	for i := range 500 {
		id := tid(uint64(i) + 1)
		a.AddTrace(id, []traces.Span{{Trace: id, ID: 1, Service: fmt.Sprint("s", i%3), Name: "op" + strings.Repeat("x", i), Kind: traces.Server}})
	}
	s, err := a.System(traces.Witness{By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Refs(arch.KindOp)); n > 24 || a.Stats().Lumped < 400 {
		t.Errorf("%d operations, %+v", n, a.Stats())
	}
}

// A sampled trace stands for several; fractions come out right on average.
func TestWeights(t *testing.T) {
	t.Parallel()
	a := traces.New(nil)
	for i := range uint64(4000) {
		a.AddTrace(tid(i+1), []traces.Span{{Trace: tid(i + 1), ID: 1, Service: "a", Name: "op", Kind: traces.Server, Weight: 2.5}})
	}
	s, err := a.System(traces.Witness{By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Services["a"].Operations["op"].Latency.N; n < 9800 || n > 10200 {
		t.Errorf("%d runs, want about 10000", n)
	}
	if p := s.Coverage["test"].Sampling; p != arch.Some(.4) {
		t.Errorf("sampling %v", p)
	}
}

func FuzzAggregate(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	names := []string{"GET /a/1", "x_mongo_find_client", "y_server", "send", ""}
	keys := []string{"db.system", "db.statement", "http.method", "http.url", "messaging.system", "messaging.destination", "peer.service", "rpc.system", "sampler.param", "error", "http.status_code"}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := traces.New(&traces.Options{MaxNames: 8, MaxTraces: 4, Linger: 50})
		for len(b) >= 10 {
			s := traces.Span{Trace: tid(uint64(b[0] % 8)), ID: traces.SpanID(b[1]%16 + 1), Parent: traces.SpanID(b[2] % 16), Start: int64(b[3]), Duration: int64(int8(b[4])),
				Service: fmt.Sprint("s", b[5]%4), Name: names[int(b[6])%len(names)], Kind: traces.Kind(b[7] % 6), Failed: b[8]&1 > 0, Shared: b[8]&2 > 0, Weight: float64(b[8] >> 4)}
			for i := range int(b[9] % 4) {
				if len(b) > 12+2*i {
					s.Attrs = append(s.Attrs, attrs(keys[int(b[10+2*i])%len(keys)], string(b[11+2*i:]))...)
				}
			}
			a.Add(&s)
			b = b[10:]
		}
		text(t, a)
	})
}
