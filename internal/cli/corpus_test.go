package cli_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
	"github.com/ashlar-dev/ashlar/internal/cli"
)

// corpus is the folder of real systems, or the test is left out by name.
func corpus(t *testing.T, system string) string {
	t.Helper()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is not set: " + system + " was not read")
	}
	p := filepath.Join(dir, system)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("the corpus has no %s: %v", system, err)
	}
	return p
}

func run(t *testing.T, path string) (*discover.Result, *review.Result) {
	t.Helper()
	r, err := discover.Run(t.Context(), sources.All(), []string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, review.Run(&review.Case{System: r.System, Documents: r.Documents, Code: r.Code}, rules.All())
}

// The manifests of the boutique name 17 edges: 15 *_SERVICE_ADDR, FRONTEND_ADDR
// and REDIS_ADDR.
func TestBoutique(t *testing.T) {
	t.Parallel()
	r, res := run(t, corpus(t, "boutique"))
	want := strings.Fields(`
		cartservice>redis-cart checkoutservice>cartservice checkoutservice>currencyservice checkoutservice>emailservice
		checkoutservice>paymentservice checkoutservice>productcatalogservice checkoutservice>shippingservice
		frontend>adservice frontend>cartservice frontend>checkoutservice frontend>currencyservice frontend>productcatalogservice
		frontend>recommendationservice frontend>shippingservice frontend>shoppingassistantservice
		loadgenerator>frontend recommendationservice>productcatalogservice`)
	var got []string
	addr, named := 0, map[string]bool{}
	for _, e := range r.System.Edges() {
		got = append(got, e.From.Short()+">"+e.Call.To.Short())
		if strings.HasSuffix(e.Call.Why, "_SERVICE_ADDR") {
			addr++
		} else {
			named[e.Call.Why] = true
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("edges:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if addr != 15 || !named["variable FRONTEND_ADDR"] || !named["variable REDIS_ADDR"] || len(named) != 2 {
		t.Errorf("%d *_SERVICE_ADDR and %v", addr, named)
	}
	if role := r.System.Services["loadgenerator"].Role; role != arch.RoleLoadgen {
		t.Errorf("the load generator is %q", role)
	}
	wantFinding(t, res, "communication/unknown-target", "shoppingassistantservice", "frontend.yaml:84")
	if n := findings(res, "communication/unknown-target"); len(n) != 1 {
		t.Errorf("%d unknown targets", len(n))
	}
}

func TestTrainTicket(t *testing.T) {
	path := corpus(t, "train-ticket") // not parallel: it measures CPU time
	before := cpu(t)
	_, res := run(t, path)
	if used := cpu(t) - before; used > 2*time.Second {
		t.Errorf("the review took %s of CPU", used)
	}
	wantFinding(t, res, "configuration/istio-unreachable-route", "ts-voucher-service v2 is never reached", "virtual-services-fault.yaml:14")
	wantFinding(t, res, "configuration/istio-shadowed-match", "/api/v1/adminuserservice/users", "trainticket-gateway.yaml:380")
	wantFinding(t, res, "resilience/no-timeout", "trainticket-gateway", "trainticket-gateway.yaml")
	if n := len(findings(res, "configuration/istio-unreachable-route")) + len(findings(res, "configuration/istio-shadowed-match")); n != 2 {
		t.Errorf("%d route findings, want the two that are known", n)
	}
}

// The references of these traces hold copies of their ancestors: 660 spans, not
// thousands.
func TestSocialNetworkTraces(t *testing.T) {
	t.Parallel()
	r, res := run(t, corpus(t, "traces"))
	if n := r.System.Coverage["jaeger"].Spans; n != 660 {
		t.Errorf("%d spans, want 660", n)
	}
	compose := r.System.Services["compose-post-service"].Operations["compose_post"]
	var calls []string
	for id := range compose.Calls {
		calls = append(calls, string(compose.Calls[id].To))
	}
	slices.Sort(calls)
	want := strings.Fields(`op/home-timeline-service.write_home_timeline op/media-service.compose_media op/post-storage-service.store_post
		op/text-service.compose_text op/unique-id-service.compose_unique_id op/user-service.compose_creator op/user-timeline-service.write_user_timeline`)
	if !slices.Equal(calls, want) {
		t.Errorf("compose_post calls %v", calls)
	}
	if placed := compose.Placed(); len(placed) != 7 {
		t.Errorf("the call tree places %d of 7 calls", len(placed))
	}
	wantFinding(t, res, "communication/sync-chain", "nginx-web-server -> compose-post-service", "trace")
	if n := findings(res, "communication/n-plus-one"); len(n) != 0 {
		t.Errorf("n-plus-one fires: %v", n)
	}
}

// No value of an environment variable of the corpus may reach the output unless
// it is a network name; the passwords that stand in it are known.
func TestCorpusSecretsStayIn(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"boutique", "train-ticket", "piggymetrics", "otel-demo"} {
		path := corpus(t, system)
		for _, args := range [][]string{{"discover", "--format", "text"}, {"discover", "--json"}, {"review", "-v"}, {"review", "--json"}, {"review", "-f", "sarif"}, {"review", "-f", "html"}, {"review", "-f", "markdown"}, {"review", "-f", "junit"}, {"diagram"}} {
			var out strings.Builder
			cli.Do(t.Context(), append(args, path), strings.NewReader(""), &out, io.Discard)
			for _, secret := range []string{"_PASSWORD", "otelp", "adminadmin", "MYSQL_ROOT_PASSWORD", "guest:", "password:"} {
				if i := strings.Index(out.String(), secret); i >= 0 {
					t.Errorf("%s of %s prints %q", args[0], system, out.String()[max(0, i-40):min(out.Len(), i+40)])
				}
			}
		}
	}
}

func findings(res *review.Result, rule string) []review.Finding {
	var out []review.Finding
	for _, f := range res.Findings {
		if f.Rule == rule {
			out = append(out, f)
		}
	}
	return out
}

func wantFinding(t *testing.T, res *review.Result, rule, title, place string) {
	t.Helper()
	for _, f := range findings(res, rule) {
		if strings.Contains(f.Title, title) && strings.Contains(fmt.Sprint(f.Evidence[0].Source), place) {
			return
		}
	}
	t.Errorf("no finding of %s says %q at %s: %v", rule, title, place, findings(res, rule))
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
