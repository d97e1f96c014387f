package zipkin_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/zipkin"
)

const trace = `[
{"traceId":"a1","id":"1","kind":"SERVER","name":"get /checkout","timestamp":1700000000000000,"duration":90000,"localEndpoint":{"serviceName":"web"},"tags":{"http.method":"GET","http.path":"/checkout"}},
{"traceId":"a1","parentId":"1","id":"2","kind":"CLIENT","name":"get","timestamp":1700000000010000,"duration":50000,"localEndpoint":{"serviceName":"web"},"remoteEndpoint":{"serviceName":"order"},"tags":{"http.method":"GET"}},
{"traceId":"a1","parentId":"1","id":"2","kind":"SERVER","name":"get /orders/{id}","shared":true,"timestamp":1700000000015000,"duration":40000,"localEndpoint":{"serviceName":"order"},"tags":{"http.method":"GET","http.path":"/orders/7","error":"boom: token=abcdef"}},
{"traceId":"a1","parentId":"2","id":"3","kind":"CLIENT","name":"query","timestamp":1700000000020000,"duration":5000,"localEndpoint":{"serviceName":"order"},"remoteEndpoint":{"serviceName":"mysql"},"tags":{"sql.query":"select * from orders where id = 7"}},
{"traceId":"a1","parentId":"2","id":"4","kind":"PRODUCER","name":"send","timestamp":1700000000030000,"duration":100,"localEndpoint":{"serviceName":"order"},"remoteEndpoint":{"serviceName":"kafka"},"tags":{"kafka.topic":"orders"}},
{"traceId":"a1","parentId":"4","id":"5","kind":"CONSUMER","name":"on-message","timestamp":1700000000060000,"duration":100,"localEndpoint":{"serviceName":"mail"},"remoteEndpoint":{"serviceName":"kafka"},"tags":{"kafka.topic":"orders"}}
]`

func TestTrace(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"list": trace, "list of lists": "[" + trace + "]"} {
		in := discover.NewInput("z.json", []byte(text))
		r, err := discover.Run(context.Background(), []discover.Source{zipkin.New()}, []string{"-"}, &discover.Options{Stdin: in.Open})
		if err != nil || len(r.Skipped) > 0 {
			t.Fatal(err, r.Skipped)
		}
		s := r.System
		var got []string
		for _, e := range s.Edges() {
			got = append(got, e.From.Short()+" > "+e.Call.To.Short()+" "+e.Call.Access)
		}
		want := []string{"mail.on-message > orders subscribe", "order.get /orders/{id} > mysql.orders read", "order.get /orders/{id} > orders publish", "web.get /checkout > order.get /orders/{id} call"}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", name, strings.Join(got, "\n"))
		}
		if op := s.Services["order"].Operations["get /orders/{id}"]; op.Errors != arch.Some(1.) || op.Trigger != "GET /orders/{id}" {
			t.Errorf("%s: %+v", name, op)
		}
		if c := s.Services["web"].Operations["get /checkout"].Calls["op/order.get %2Forders%2F{id}#1"]; c.Network.Sum != .01 {
			t.Errorf("%s: network %+v", name, c)
		}
		if c := s.Coverage["zipkin"]; c.Spans != 6 || c.Orphans != 0 {
			t.Errorf("%s: %+v", name, c)
		}
		if strings.Contains(string(s.AppendText(nil, true)), "abcdef") {
			t.Errorf("%s: an error's text is in the result", name)
		}
	}
}

// The public files of testdata; see the notes there.
func TestPublicFiles(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]struct {
		edges   []string
		spans   int64
		orphans int64
	}{
		"skew.json": {[]string{"servicea.get > serviceb.post"}, 4, 0},
		"yelp.json": {nil, 16, 0},
	} {
		r, err := discover.Run(t.Context(), []discover.Source{zipkin.New()}, []string{"testdata/" + file}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range r.System.Edges() {
			got = append(got, e.From.Short()+" > "+e.Call.To.Short())
		}
		slices.Sort(got)
		if !slices.Equal(got, want.edges) {
			t.Errorf("%s:\n%s", file, strings.Join(got, "\n"))
		}
		if c := r.System.Coverage["zipkin"]; c.Spans != want.spans || c.Orphans != want.orphans {
			t.Errorf("%s: %+v", file, c)
		}
	}
}
