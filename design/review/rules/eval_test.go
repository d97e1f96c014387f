package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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

// target of every rule that has labels, as precision and recall.
const (
	targetPrecision = .95
	targetRecall    = .90
)

func evalCorpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is not set")
	}
	return dir
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
