package cli_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
)

// wanted is what the answers for one callee come to, computed here once more: the
// longest time, the fewest tries, the largest limit.
type wanted struct {
	timeout, perTry float64
	tries, limit    float64
	row             float64
}

func wantedOf(as []advise.Answer) map[string]wanted {
	out := map[string]wanted{}
	for _, a := range as {
		k := a.To.Kind()
		if a.Verdict != advise.Settings || k != arch.KindOp && k != arch.KindService {
			continue
		}
		w, old := out[a.To.Name()]
		num := func(name string) float64 { n, _ := a.Number(name); return n.Value }
		if !old {
			w.tries = math.Inf(1)
		}
		w.timeout, w.perTry = max(w.timeout, num(advise.Timeout)), max(w.perTry, num(advise.PerTry))
		w.tries, w.limit = min(w.tries, num(advise.Tries)), max(w.limit, num(advise.Bulkhead))
		w.row = max(w.row, num(advise.InARow), min(5, num(advise.MinCalls)))
		out[a.To.Name()] = w
	}
	return out
}

// near: what is written is cut to whole milliseconds, downwards.
func near(got time.Duration, want float64) bool {
	d := want - got.Seconds()
	return d >= -1e-9 && d < 1e-3+want/100 || got == time.Millisecond && want < 1e-3
}

// What is printed for a platform is found there again by discover, as the same
// settings of the same calls.
func TestConfigIsDiscoveredAgain(t *testing.T) {
	t.Parallel()
	shop := "../../examples/shop"
	base, err := discover.Run(t.Context(), sources.All(), []string{shop}, nil)
	if err != nil {
		t.Fatal(err)
	}
	as, err := advise.Resilience(base.System, "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := wantedOf(as)
	if len(want) < 5 {
		t.Fatalf("%d callees have settings", len(want))
	}
	for _, target := range []string{"istio", "linkerd", "kong"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := advise.Config(&b, target, as); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), target+".yaml")
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := discover.Run(t.Context(), sources.All(), []string{shop, file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			if target == "kong" {
				routed(t, r.System, file, want, seen)
			} else {
				sidecars(t, r, target, file, want, seen)
			}
			for host := range want {
				if !seen[host] {
					t.Errorf("nothing of %s was found again in\n%s", host, b.String())
				}
			}
		})
	}
}

// sidecars compares what stands on the calls between services by the mesh. That
// part which the shop's own files say is not compared: who came first is kept.
func sidecars(t *testing.T, r *discover.Result, target, file string, want map[string]wanted, seen map[string]bool) {
	t.Helper()
	for _, e := range r.System.Edges() {
		w, ok := want[e.Call.To.Name()]
		if !ok || e.From.Kind() != arch.KindService {
			continue
		}
		var p arch.Policy
		for _, l := range e.Call.Layers {
			if l.Layer == arch.LayerSidecar {
				p = l
			}
		}
		host := e.Call.To.Name()
		mine := func(part string) bool {
			f := e.At("layers", p.Key())
			f.At += arch.Field(part)
			return strings.HasPrefix(r.System.Ledger.Where(f).String(), file)
		}
		if !mine("/timeout") {
			continue
		}
		seen[host] = true
		if got := p.Timeout.V; !near(got, w.timeout) {
			t.Errorf("%s: timeout %s, want %gs", host, got, w.timeout)
		}
		switch {
		case w.tries > 1:
			if p.Retry == nil || float64(p.Retry.Attempts.V) != w.tries || !near(p.Retry.PerTry.V, w.perTry) {
				t.Errorf("%s: %+v, want %g tries of %gs", host, p.Retry, w.tries, w.perTry)
			}
		case p.Retry != nil && p.Retry.Attempts.V > 1:
			t.Errorf("%s: %+v, want no retries", host, p.Retry)
		}
		if w.row > 0 && (target == "linkerd" || mine("/breaker/count")) && (p.Breaker == nil || float64(p.Breaker.Count.V) != w.row && target == "istio" || float64(p.Breaker.Count.V) < w.row) {
			t.Errorf("%s: breaker %+v, want %g in a row", host, p.Breaker, w.row)
		}
		if mine("/bulkhead/concurrent") && (p.Bulkhead == nil || float64(p.Bulkhead.Concurrent.V) != w.limit) {
			t.Errorf("%s: bulkhead %+v, want %g", host, p.Bulkhead, w.limit)
		}
	}
}

// routed compares the routes of the gateway.
func routed(t *testing.T, s arch.System, file string, want map[string]wanted, seen map[string]bool) {
	t.Helper()
	for name, g := range s.Gateways {
		for _, rt := range g.Routes {
			w, ok := want[rt.To.Name()]
			if !ok || !strings.HasPrefix(s.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindGateway, name), At: arch.Field("").Join("routes", rt.ID)}).String(), file) {
				continue
			}
			seen[rt.To.Name()] = true
			limit := w.timeout
			if w.perTry > 0 {
				limit = w.perTry
			}
			var re *arch.Retry
			for _, l := range rt.Layers {
				re = l.Retry
			}
			if re == nil || float64(re.Attempts.V) != w.tries || !near(re.PerTry.V, limit) {
				t.Errorf("%s: %+v, want %g tries of %gs", rt.ID, re, w.tries, limit)
			}
		}
	}
}
