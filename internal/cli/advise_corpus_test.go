package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/internal/cli"
)

// advised is the advice on all calls of a system of the corpus with what an
// owner would write down, by "from > to".
func advised(t *testing.T, system, model string) map[string]advise.Answer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ashlar.yaml")
	if err := os.WriteFile(file, []byte(model), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), sources.All(), []string{corpus(t, system), file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	as, err := advise.Resilience(r.System, "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]advise.Answer{}
	for _, a := range as {
		out[a.From.Short()+" > "+a.To.Short()] = a
	}
	return out
}

func verdict(t *testing.T, as map[string]advise.Answer, call string, want advise.Verdict, because string) advise.Answer {
	t.Helper()
	a, ok := as[call]
	if !ok || a.Verdict != want || !strings.Contains(strings.Join(a.Because, "; "), because) {
		t.Errorf("%s: %s because %q, want %s because %q", call, a.Verdict, a.Because, want, because)
	}
	return a
}

const socialNetwork = `
ashlar: 1
services:
  nginx-web-server: {operations: {/wrk2-api/post/compose: {trigger: POST /wrk2-api/post/compose}}}
  compose-post-service:
    replicas: 4
    operations:
      compose_post:
        calls:
          - {call: home-timeline-service.write_home_timeline, optional: true} # followers see it a moment later
          - {call: user-timeline-service.write_user_timeline, optional: true}
          - {call: post-storage-service.store_post, optional: false}
  home-timeline-service: {operations: {write_home_timeline: {idempotent: true}}} # a sorted set by the post's id
  user-timeline-service: {operations: {write_user_timeline: {idempotent: true}}}
  post-storage-service: {operations: {store_post: {idempotent: true}}} # by the post's id
journeys:
  compose:
    entry: nginx-web-server./wrk2-api/post/compose
    rate: 100rps
    peak: 300rps
    objectives: [p99: 30ms, availability: 99.9%]
`

// A post is stored while its author waits; that it shows up in timelines is
// nothing to wait for. With 12 ms in all, what compose does alone takes longer.
func TestAdviceOnSocialNetwork(t *testing.T) {
	t.Parallel()
	const from = "compose-post-service.compose_post > "
	as := advised(t, "traces", socialNetwork)
	verdict(t, as, from+"home-timeline-service.write_home_timeline", advise.Async, "by its name it is there to write")
	verdict(t, as, from+"user-timeline-service.write_user_timeline", advise.Async, "nobody wait")
	a := verdict(t, as, from+"post-storage-service.store_post", advise.Settings, "")
	for name, want := range map[string]float64{advise.Tries: 2, advise.RetryBudget: 0.06, advise.Bulkhead: 2} {
		if n, _ := a.Number(name); n.Value != want {
			t.Errorf("store_post: %s is %v, want %v", name, n.Value, want)
		}
	}
	if n, _ := a.Number(advise.Timeout); n.Value < 0.0015 || n.Value > 0.003 {
		t.Errorf("store_post: timeout %s of 30ms", n.Text)
	}
	if len(a.Questions) > 0 {
		t.Errorf("store_post: %v", a.Questions)
	}
	as = advised(t, "traces", strings.Replace(socialNetwork, "p99: 30ms", "p99: 12ms", 1))
	verdict(t, as, from+"post-storage-service.store_post", advise.Infeasible, "needs 12.2ms at p99")
}

const boutique = `
ashlar: 1
services:
  frontend:
    replicas: 3
    objectives: [p99: 500ms, availability: 99.5%]
    uses:
      - {to: adservice, latency: "lognormal(p50=5ms, p99=40ms)", errors: 0.5%, rate: 90rps, optional: true}
      - {to: cartservice, latency: "lognormal(p50=4ms, p99=20ms)", errors: 0.02%, rate: 120rps}
      - {to: checkoutservice, latency: "lognormal(p50=60ms, p99=220ms)", errors: 0.1%, rate: 4rps, optional: false}
      - {to: currencyservice, latency: "lognormal(p50=1ms, p99=6ms)", errors: 0.01%, rate: 300rps}
      - {to: productcatalogservice, latency: "lognormal(p50=2ms, p99=9ms)", errors: 0.01%, rate: 250rps}
      - {to: recommendationservice, latency: "lognormal(p50=8ms, p99=60ms)", errors: 0.3%, rate: 100rps, optional: true}
      - {to: shippingservice, latency: "lognormal(p50=2ms, p99=10ms)", errors: 0.05%, rate: 20rps}
      - {to: shoppingassistantservice, latency: "lognormal(p50=40ms, p99=100ms)", errors: 1%, rate: 1rps, optional: true}
  adservice: {}
  cartservice: {}
  checkoutservice: {}
  currencyservice: {}
  productcatalogservice: {}
  recommendationservice: {}
  shippingservice: {}
  shoppingassistantservice: {}
`

// The manifests say who calls whom, their owner how long it takes and what was
// promised. A page without advertisements is a page; whether their answer is
// needed nobody said, so that it is not called asynchronous.
func TestAdviceOnBoutique(t *testing.T) {
	t.Parallel()
	as := advised(t, "boutique", boutique)
	a := verdict(t, as, "frontend > checkoutservice", advise.Settings, "")
	if n, _ := a.Number(advise.Timeout); n.Text != "237ms" { // 500 x 220 / 465
		t.Errorf("timeout %s = %s", n.Text, n.Formula)
	}
	if n, _ := a.Number(advise.Tries); n.Value != 1 {
		t.Errorf("%s tries of an order that nobody called idempotent", n.Text)
	}
	a = verdict(t, as, "frontend > adservice", advise.Settings, "")
	if a.Fallback != "answer without it" || !strings.Contains(strings.Join(a.Notes, "; "), "is not known") {
		t.Errorf("%q, %v", a.Fallback, a.Notes)
	}
	a = as["frontend > shoppingassistantservice"]
	if n, _ := a.Number(advise.InARow); n.Value != 3 {
		t.Errorf("a breaker of %s in a row at a call in three seconds per instance", n.Text)
	}
	verdict(t, as, "checkoutservice > paymentservice", advise.Unknown, "")
}

// One screen: 24 lines of 100.
func TestAdviceFitsOneScreen(t *testing.T) {
	t.Parallel()
	var out, faults bytes.Buffer
	if code := cli.Do(context.Background(), []string{"advise", "resilience", "order", "payment", "../../examples/shop"}, strings.NewReader(""), &out, &faults); code != 0 {
		t.Fatalf("%d: %s", code, faults.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 100 {
			t.Errorf("%d characters: %s", n, l)
		}
	}
}

// careless retries what must not be, and waits without limits.
const careless = `
ashlar: 1
services:
  web:
    operations:
      GET /cart:
        trigger: GET /cart
        calls:
          - {call: order.POST /orders, retries: {attempts: 3}, timeout: 5s}
          - {call: prices.GET /prices, timeout: 0s, optional: true}
  order:
    operations:
      POST /orders:
        trigger: POST /orders
        calls:
          - {call: payment.POST /charges, retries: {attempts: 4, per-try: 2s}, timeout: 9s}
          - {write: orders-db.orders, timeout: 0s}
  payment: {operations: {POST /charges: {trigger: POST /charges, idempotent: false}}}
  prices: {operations: {GET /prices: {trigger: GET /prices}}}
stores:
  orders-db: {}
`

// A finding that names the advice which cures it names it as one can type it:
// the call is there, and there are numbers or questions for it.
func TestFindingsLinkToTheirAdvice(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ashlar.yaml")
	if err := os.WriteFile(file, []byte(careless), 0o600); err != nil {
		t.Fatal(err)
	}
	r, res := run(t, file)
	linked := 0
	for _, f := range res.Findings {
		if f.Advice == "" {
			if f.Rule == "resilience/no-timeout" && f.Of[0].Kind() == arch.KindOp {
				t.Errorf("%s: no advice", f.Title)
			}
			continue
		}
		linked++
		args, ok := strings.CutPrefix(f.Advice, "ashlar advise resilience ")
		words := shellWords(args)
		if !ok || len(words) != 2 {
			t.Errorf("%s: %q", f.Key, f.Advice)
			continue
		}
		as, err := advise.Resilience(r.System, words[0], words[1], nil)
		if err != nil || len(as) == 0 || as[0].Verdict == advise.NotSeen || len(as[0].Numbers)+len(as[0].Questions) == 0 {
			t.Errorf("%s: %+v, %v", f.Advice, as, err)
		}
	}
	if linked < 6 {
		t.Errorf("%d of %d findings have their advice", linked, len(res.Findings))
	}
}

// shellWords splits words, some in single quotes without any inside.
func shellWords(s string) (out []string) {
	for s != "" {
		var w string
		if rest, ok := strings.CutPrefix(s, "'"); ok {
			w, s, _ = strings.Cut(rest, "'")
			s = strings.TrimPrefix(s, " ")
		} else {
			w, s, _ = strings.Cut(s, " ")
		}
		out = append(out, w)
	}
	return out
}
