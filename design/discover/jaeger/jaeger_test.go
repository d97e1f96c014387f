package jaeger_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/jaeger"
)

func run(t *testing.T, paths ...string) *discover.Result {
	t.Helper()
	r, err := discover.Run(context.Background(), []discover.Source{jaeger.New()}, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	sound(t, r.System)
	return r
}

// sound: nothing wrong but what is merely not there.
func sound(t *testing.T, s arch.System) {
	t.Helper()
	joined, ok := s.Validate().(interface{ Unwrap() []error })
	if !ok {
		return
	}
	for _, err := range joined.Unwrap() {
		var f *arch.Fault
		if !errors.As(err, &f) || !f.Dangling {
			t.Error(err)
		}
	}
}

// edges lists every call as "from > id access".
func edges(s arch.System) []string {
	var out []string
	for _, e := range s.Edges() {
		out = append(out, e.From.Short()+" > "+e.Call.To.Short()+" "+e.Call.Access)
	}
	return out
}

// shape prints a body without its numbers.
func shape(s arch.Step) string {
	if s.Kind == arch.Do {
		to, _ := arch.SplitCallID(s.Call)
		return to.Short()
	}
	var parts []string
	for _, c := range s.Steps {
		parts = append(parts, shape(c))
	}
	return string(s.Kind) + "(" + strings.Join(parts, " ") + ")"
}

func TestShop(t *testing.T) {
	t.Parallel()
	r := run(t, "testdata/shop.json")
	s := r.System
	want := []string{
		"mail.process orders > api.mail.example.com call",
		"mail.process orders > orders subscribe",
		"order.POST /orders > stock.Reserve call",
		"order.POST /orders > orders-db.orders write",
		"order.POST /orders > orders publish",
		"stock.Reserve > stock-db.items read",
		"web.POST /orders > order.POST /orders call",
		"stock > stock-db.items read",
	}
	got := edges(s)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("edges:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	order := s.Services["order"].Operations["POST /orders"]
	if got, want := shape(order.Body), "seq(work() loop(stock.Reserve) par(orders-db.orders orders))"; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	reserve := order.Calls["op/stock.Reserve#1"]
	// 3, 1 and 2 calls; the run below them was lost in the third trace.
	if p := reserve.PerCall; p.N != 3 || p.Sum != 6 || p.Max != 3 || p.Min != 1 {
		t.Errorf("calls per run: %+v", p)
	}
	if n := reserve.Network; n.N != 4 || n.Sum != .004 {
		t.Errorf("network %+v, want 4 of 1ms", n)
	}
	if l := reserve.Latency; l.N != 6 || l.Sum != .024 {
		t.Errorf("latency %+v, want 6 of 4ms", l)
	}
	// 76 ms less what the calls cover: their sum, less the 3 ms that publishing
	// lies within the insert, so 9 ms and 4 ms for each reservation.
	var own arch.Dist
	order.Body.Walk(func(s arch.Step) bool { own = own.Plus(s.Own); return true })
	if own.N != 3 || own.Sum != .177 { // 3*(76-9) - 6*4
		t.Errorf("own time %+v", own)
	}
	if e := s.Services["mail"].Operations["process orders"].Errors; e != arch.Some(1./3) {
		t.Errorf("errors %v", e)
	}
	if op := s.Services["stock"].Operations["Reserve"]; op.Trigger != "grpc shop.Stock/Reserve" {
		t.Errorf("trigger %q", op.Trigger)
	}
	if op := s.Services["mail"].Operations["process orders"]; op.Trigger != "topic orders" {
		t.Errorf("trigger %q", op.Trigger)
	}
	if s.Stores["stock-db"].Kind != "postgres" || s.Topics["orders"].Broker != "kafka" || s.Externals["api.mail.example.com"].Host == "" {
		t.Errorf("stores %v topics %v externals %v", s.Stores, s.Topics, s.Externals)
	}
	c := s.Coverage["jaeger"]
	if c.Spans != 39 || c.Orphans != 1 || c.Late != 0 || c.Files != 1 || !c.From.Equal(time.UnixMicro(1700000000000000)) || !slices.Contains(c.Of, arch.Ref("store/stock-db")) {
		t.Errorf("coverage %+v", c)
	}
	src := s.Ledger.Sources(arch.Fact{Of: "op/order.POST %2Forders", At: arch.Field("").Join("calls", "op/stock.Reserve#1", "to")})
	if len(src) != 1 || src[0].Origin != arch.Trace || src[0].TraceID != "0000000000000001" || src[0].SpanID != "00000000000000c0" || src[0].By != "jaeger" {
		t.Errorf("source of the call: %+v", src)
	}
	for _, secret := range []string{"4711", "key=abc", "user=7"} {
		if strings.Contains(string(s.AppendText(nil, true)), secret) {
			t.Errorf("%s is in the result", secret)
		}
	}
}

// A trace that stands in two exports counts once, and the order of the files
// does not show.
func TestTwoExports(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, n := range []string{"a.json", "b.json"} {
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, two := run(t, "testdata/shop.json").System, run(t, dir).System
	if d := arch.Diff(one, two); len(d) > 0 {
		t.Errorf("differs: %v", d)
	}
	if c := two.Coverage["jaeger"]; c.Late != 39 || c.Spans != 78 || c.Files != 2 {
		t.Errorf("coverage %+v", c)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	in := discover.NewInput("cut.json", b[:len(b)*2/3])
	r, err := discover.Run(context.Background(), []discover.Source{jaeger.New()}, []string{"-"}, &discover.Options{Stdin: in.Open})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, "the file ends inside") || r.System.Coverage["jaeger"].Spans == 0 {
		t.Errorf("skipped %v, coverage %+v", r.Skipped, r.System.Coverage)
	}
}

// ref is a plain reading of the social network's traces: recursive, one span at
// a time, with a map for everything.
type ref struct {
	ops   map[string]int    // runs
	calls map[string]int    // "op > callee"
	sums  map[string]int64  // latency of ops, microseconds
	net   map[string]int64  // "op > callee", microseconds
	own   map[string]int64  // of ops, microseconds
	first map[string]string // smallest trace in which an op was seen
}

func (r *ref) walk(s map[string]any, kids map[string][]map[string]any, service func(map[string]any) string) {
	name := func(s map[string]any) string {
		n := s["operationName"].(string)
		return strings.TrimSuffix(strings.TrimSuffix(n, "_server"), "_client")
	}
	id := func(s map[string]any) string { return s["spanID"].(string) }
	num := func(s map[string]any, k string) int64 { n, _ := s[k].(json.Number).Int64(); return n }
	op := service(s) + "." + name(s)
	r.ops[op]++
	r.sums[op] += num(s, "duration")
	busy := make([]bool, num(s, "duration"))
	var below func(x map[string]any)
	below = func(x map[string]any) {
		for _, k := range kids[id(x)] {
			if !strings.HasSuffix(k["operationName"].(string), "_client") {
				below(k)
				continue
			}
			for i := range num(k, "duration") {
				busy[num(k, "startTime")-num(s, "startTime")+i] = true
			}
			if len(kids[id(k)]) == 0 {
				for _, w := range []string{"mongo", "redis", "memcached"} {
					if strings.Contains(name(k), w) {
						r.calls[op+" > "+service(k)+"-"+strings.Replace(w, "mongo", "mongodb", 1)]++
					}
				}
				continue
			}
			callee := kids[id(k)][0]
			edge := op + " > " + service(callee) + "." + name(callee)
			r.calls[edge]++
			r.net[edge] += num(k, "duration") - num(callee, "duration")
			r.walk(callee, kids, service)
		}
	}
	below(s)
	for _, b := range busy {
		if !b {
			r.own[op]++
		}
	}
	if t := s["traceID"].(string); r.first[op] == "" || t < r.first[op] {
		r.first[op] = t
	}
}

func corpus(t *testing.T, path ...string) string {
	t.Helper()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is unset: it names the folder with the public systems that are measured with")
	}
	return filepath.Join(append([]string{dir}, path...)...)
}

func TestSocialNetwork(t *testing.T) {
	t.Parallel()
	file := corpus(t, "traces", "deathstarbench-social-network-jaeger.json")
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all struct {
		Data []struct {
			Spans     []map[string]any
			Processes map[string]struct{ ServiceName string }
		}
	}
	d := json.NewDecoder(f)
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	r := &ref{map[string]int{}, map[string]int{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]string{}}
	spans := 0
	for _, tr := range all.Data {
		kids := map[string][]map[string]any{}
		var root map[string]any
		for _, s := range tr.Spans {
			spans++
			if refs := s["references"].([]any); len(refs) > 0 {
				p := refs[0].(map[string]any)["spanID"].(string)
				kids[p] = append(kids[p], s)
			} else {
				root = s
			}
		}
		r.walk(root, kids, func(s map[string]any) string { return tr.Processes[s["processID"].(string)].ServiceName })
	}
	s := run(t, file).System
	// The sampler kept one trace in five, so each stands for five.
	const weight = 5
	if c := s.Coverage["jaeger"]; c.Spans != int64(spans) || spans != 660 || c.Orphans != 0 || c.Sampling != arch.Some(1./weight) {
		t.Errorf("%d spans, coverage %+v", spans, c)
	}
	ops, calls := 0, 0
	for _, ref := range s.Refs(arch.KindOp) {
		name := ref.Short()
		op := s.Services[ref.Name()].Operations[ref.Member()]
		ops++
		if op.Latency.N != int64(weight*r.ops[name]) || !near(op.Latency.Sum, weight*r.sums[name]) {
			t.Errorf("%s: latency %d, %g, want %d, %dus", name, op.Latency.N, op.Latency.Sum, weight*r.ops[name], weight*r.sums[name])
		}
		var own arch.Dist
		op.Body.Walk(func(s arch.Step) bool { own = own.Plus(s.Own); return true })
		if !near(own.Sum, weight*r.own[name]) {
			t.Errorf("%s: own time %gs, want %dus", name, own.Sum, weight*r.own[name])
		}
		if src := s.Ledger.Sources(arch.Fact{Of: ref}); len(src) != 1 || src[0].TraceID != r.first[name] {
			t.Errorf("%s: source %v, want trace %s", name, src, r.first[name])
		}
	}
	for _, e := range s.Edges() {
		name := e.From.Short() + " > " + e.Call.To.Short()
		calls++
		if e.Call.PerCall.Sum != float64(weight*r.calls[name]) || !near(e.Call.Network.Sum, weight*r.net[name]) {
			t.Errorf("%s: %g times, network %g; want %d, %dus", name, e.Call.PerCall.Sum, e.Call.Network.Sum, weight*r.calls[name], weight*r.net[name])
		}
	}
	if ops != len(r.ops) || calls != len(r.calls) || ops != 12 || calls != 20 {
		t.Errorf("%d operations of %d, %d calls of %d; want 12 and 20", ops, len(r.ops), calls, len(r.calls))
	}
	for of, want := range map[arch.Ref]string{
		"op/nginx-web-server.%2Fwrk2-api%2Fpost%2Fcompose": "seq(work() compose-post-service.compose_post)",
		"op/text-service.compose_text":                     "seq(work() par(url-shorten-service.compose_urls user-mention-service.compose_user_mentions))",
		"op/user-mention-service.compose_user_mentions":    "seq(work() user-mention-service-memcached user-mention-service-mongodb)",
	} {
		if got := shape(s.Services[of.Name()].Operations[of.Member()].Body); got != want {
			t.Errorf("%s: %s, want %s", of.Short(), got, want)
		}
	}
	compose := shape(s.Services["compose-post-service"].Operations["compose_post"].Body)
	if !strings.HasPrefix(compose, "seq(work() par(") || !strings.HasSuffix(compose, ") post-storage-service.store_post user-timeline-service.write_user_timeline home-timeline-service.write_home_timeline)") {
		t.Errorf("compose_post: %s", compose)
	}
	why := s.Ledger.Sources(arch.Fact{Of: "store/user-mention-service-memcached"})
	if len(why) != 1 || !strings.Contains(why[0].Reason, "do not say which server; named after the service") {
		t.Errorf("the store's claim gives no reason: %+v", why)
	}
}

func near(seconds float64, us int64) bool {
	d := seconds*1e6 - float64(us)
	return cmp.Compare(max(d, -d), 0.5) < 0
}
