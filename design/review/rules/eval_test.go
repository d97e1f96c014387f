package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// score counts how a rule's answers and the labels agree.
type score struct{ tp, fp, fn, tn int }

func (s score) String() string {
	ratio := func(a, b int) string {
		if b == 0 {
			return "  - "
		}
		return fmt.Sprintf("%.2f", float64(a)/float64(b))
	}
	return fmt.Sprintf("P %s  R %s  (right %d, wrong %d, missed %d, rightly silent %d)", ratio(s.tp, s.tp+s.fp), ratio(s.tp, s.tp+s.fn), s.tp, s.fp, s.fn, s.tn)
}

func evalCorpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is not set")
	}
	return dir
}

// What is known of the public systems of the corpus: each line is a finding that
// must be there; for these rules every other finding counts as wrong.
func TestEvalKnownFacts(t *testing.T) {
	dir := evalCorpus(t)
	facts := map[string]map[string][]string{ // rule -> system -> part of the title
		"configuration/istio-unreachable-route": {"train-ticket": {"ts-voucher-service v2"}},
		"configuration/istio-shadowed-match":    {"train-ticket": {"/api/v1/adminuserservice/users"}},
		"communication/unknown-target":          {"boutique": {"shoppingassistantservice"}},
		"resilience/no-timeout":                 {"boutique": {"frontend-gateway"}, "train-ticket": {"trainticket-gateway"}},
		"configuration/istio-ignored-field":     {},
		"configuration/unknown-field":           {},
		"communication/cycle":                   {},
		"communication/n-plus-one":              {},
		"communication/retry-not-idempotent":    {},
		"configuration/istio-retry-zero":        {},
		"configuration/istio-retry-on":          {},
		"data/shared-database":                  {},
		"communication/unversioned-api":         {},
		"resilience/retry-amplification":        {},
		"configuration/kubernetes-selector":     {},
		"configuration/istio-subset":            {},
		"communication/distributed-monolith":    {},
		"configuration/kubernetes-port":         {},
	}
	scores := map[string]*score{}
	for id := range facts {
		scores[id] = &score{}
	}
	for _, system := range []string{"boutique", "train-ticket", "traces"} {
		r, err := discover.Run(t.Context(), sources.All(), []string{filepath.Join(dir, system)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		res := review.Run(&review.Case{System: r.System, Documents: r.Documents, Code: r.Code}, rules.All())
		for id, s := range scores {
			var titles []string
			for _, f := range res.Findings {
				if f.Rule == id {
					titles = append(titles, f.Title)
				}
			}
			want := facts[id][system]
			for _, w := range want {
				if i := slices.IndexFunc(titles, func(x string) bool { return strings.Contains(x, w) }); i >= 0 {
					s.tp++
					titles = slices.Delete(titles, i, i+1)
				} else {
					s.fn++
				}
			}
			s.fp += len(titles)
			for _, x := range titles {
				t.Logf("not among the known facts of %s: %s: %s", system, id, x)
			}
			if len(want) == 0 && len(titles) == 0 {
				s.tn++
			}
		}
	}
	for _, id := range arch.Sorted(scores) {
		fmt.Printf("%-44s %s\n", id, scores[id])
	}
}

// microSecEnD's first rule, one kind of entry, has a verdict for each system;
// its models say which services are entries and which of them are gateways. They
// are put as manifests, so that the rule judges what it judges in the field.
func TestEvalSingleEntry(t *testing.T) {
	dir := evalCorpus(t)
	labels, _ := filepath.Glob(filepath.Join(dir, "microsecend", "*_rules_model_items.json"))
	if len(labels) == 0 {
		t.Fatal("no labels")
	}
	var s score
	for _, file := range labels {
		var label struct {
			Rules map[string]struct {
				Verdict bool `json:"verdict"`
			} `json:"rules"`
		}
		var model struct {
			Services []struct {
				Name        string   `json:"name"`
				Stereotypes []string `json:"stereotypes"`
			} `json:"services"`
		}
		read(t, file, &label)
		read(t, strings.Replace(file, "_rules_model_items", "", 1), &model)
		var b strings.Builder
		roles := "ashlar: 1\nservices:\n"
		for _, x := range model.Services {
			name := strings.ReplaceAll(x.Name, "_", "-")
			kind := "ClusterIP"
			if slices.Contains(x.Stereotypes, "entrypoint") {
				kind = "LoadBalancer"
			}
			if slices.Contains(x.Stereotypes, "gateway") {
				roles += "  " + name + ": { role: gateway }\n"
			} else {
				roles += "  " + name + ": {}\n"
			}
			fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %[1]s}\nspec: {selector: {matchLabels: {app: %[1]s}}, template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: main, image: \"x/%[1]s:1\"}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: %[1]s}\nspec: {type: %[2]s, selector: {app: %[1]s}, ports: [{port: 80}]}\n---\n", name, kind)
		}
		res := reviewed(t, map[string][]byte{"a.yaml": []byte(b.String()), "ashlar.yaml": []byte(roles)})
		fires := slices.Contains(keysOf(res), "communication/many-entries")
		switch bad := !label.Rules["R01"].Verdict; {
		case bad && fires:
			s.tp++
		case bad:
			s.fn++
			t.Logf("missed: %s", filepath.Base(file))
		case fires:
			s.fp++
			t.Logf("wrong: %s", filepath.Base(file))
		default:
			s.tn++
		}
	}
	fmt.Printf("%-44s %s\n", "communication/many-entries (microSecEnD R01)", s)
}

func read(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
