package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/design/advise/decide"
	"github.com/ashlar-dev/ashlar/internal/cli"
)

func decisionsOf(t *testing.T, model string, paths ...string) map[string][]decide.Answer {
	t.Helper()
	if model != "" {
		file := filepath.Join(t.TempDir(), "ashlar.yaml")
		if err := os.WriteFile(file, []byte(model), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, file)
	}
	var out, faults bytes.Buffer
	if code := cli.Do(context.Background(), append([]string{"advise", "--json"}, paths...), strings.NewReader(""), &out, &faults); code != 0 {
		t.Fatalf("%d: %s", code, faults.String())
	}
	var as []decide.Answer
	if err := json.Unmarshal(out.Bytes(), &as); err != nil {
		t.Fatal(err)
	}
	by := map[string][]decide.Answer{}
	for _, a := range as {
		by[a.Decision] = append(by[a.Decision], a)
	}
	return by
}

func decided(t *testing.T, by map[string][]decide.Answer, want map[string]string) {
	t.Helper()
	for name, w := range want {
		var got []string
		for _, a := range by[name] {
			got = append(got, strings.TrimSpace(string(a.Verdict)+" "+a.Choice))
		}
		if !strings.Contains(strings.Join(got, ", "), w) {
			t.Errorf("%s: %q, want %q: %+v", name, got, w, by[name][0].Because)
		}
	}
}

// A post is one commit; the timelines follow. Twelve services and a broker that
// nobody has yet: nothing else changes.
func TestDecisionsOnSocialNetwork(t *testing.T) {
	t.Parallel()
	by := decisionsOf(t, socialNetwork, corpus(t, "traces"))
	decided(t, by, map[string]string{"transactions": "change events", "queries": "keep one-model", "mesh": "keep none"})
	events := 0
	for _, a := range by["communication"] {
		if a.Choice != "events" {
			continue
		}
		events++
		if !strings.Contains(a.Subject, "write_home_timeline") && !strings.Contains(a.Subject, "write_user_timeline") {
			t.Errorf("%s should be an event? %q", a.Subject, a.Because)
		}
	}
	if events != 2 {
		t.Errorf("%d calls should be events, want the two timelines", events)
	}
}

func TestDecisionsOnBoutique(t *testing.T) {
	t.Parallel()
	by := decisionsOf(t, boutique, corpus(t, "boutique"))
	decided(t, by, map[string]string{"protocol": "keep grpc", "queries": "keep one-model", "broker": "keep none", "gateway": "keep ingress", "discovery": "keep platform-names", "deployment": "keep rolling"})
	for name, as := range by {
		for _, a := range as {
			if a.Verdict == decide.Change && a.Confidence < .75 {
				t.Errorf("%s: a change at %.2f", name, a.Confidence)
			}
		}
	}
}

// A broker that is there stays, though what it carries was not seen.
func TestDecisionsOnOTelDemo(t *testing.T) {
	t.Parallel()
	decided(t, decisionsOf(t, "", corpus(t, "otel-demo")), map[string]string{"broker": "kafka", "queries": "keep one-model", "mesh": "keep none"})
}

// 42 services say nothing of who works on them: nothing is changed for that.
func TestDecisionsOnTrainTicket(t *testing.T) {
	t.Parallel()
	by := decisionsOf(t, "", corpus(t, "train-ticket"))
	decided(t, by, map[string]string{"decomposition": "open services", "communication": "nothing to decide", "queries": "keep one-model"})
	// With one team of nine the answer is not left open.
	by = decisionsOf(t, "ashlar: 1\nteams: {all: {size: 9}}\ncontexts: {a: {}, b: {}, c: {}, d: {}}\n", corpus(t, "train-ticket"))
	if a := by["decomposition"][0]; a.Choice == "few-services" {
		t.Errorf("a service for each of one team: %+v", a.Because)
	}
}

// The overview of the shop is one screen, and its monolith stays one deployable.
func TestDecisionsOnTheShop(t *testing.T) {
	t.Parallel()
	decided(t, decisionsOf(t, "", "../../examples/shop/legacy"), map[string]string{"decomposition": "modular-monolith", "mesh": "nothing to decide"})
	var out, faults bytes.Buffer
	if code := cli.Do(context.Background(), []string{"advise", "../../examples/shop"}, strings.NewReader(""), &out, &faults); code != 0 {
		t.Fatalf("%d: %s", code, faults.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) > 32 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 100 {
			t.Errorf("%d characters: %s", n, l)
		}
	}
}
