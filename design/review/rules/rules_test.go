package rules_test

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
	"github.com/ashlar-dev/ashlar/design/advise/decisions"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

var update = flag.Bool("update", false, "rewrite what the test data wants")

// Every rule has a bad example on which it fires as wanted and a good one on
// which it is silent.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	all := rules.All()
	if len(all) == 0 {
		t.Fatal("the catalogue is empty")
	}
	seen := map[string]bool{}
	for _, r := range all {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", strings.ReplaceAll(r.ID, "/", "-")+".txtar")
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatalf("a rule needs test data: %v", err)
			}
			bad, good, before, want := split(ar)
			if len(bad) == 0 || len(good) == 0 {
				t.Fatalf("%s has no bad/ or no good/ files", file)
			}
			got := check(t, r, bad, before)
			if *update {
				rewrite(t, file, ar, got)
			} else if got != want {
				t.Errorf("bad:\n%s\nwant:\n%s", got, want)
			}
			if got == "" {
				t.Error("silent on its bad example")
			}
			if got := check(t, r, good, before); got != "" {
				t.Errorf("fires on its good example:\n%s", got)
			}
		})
		if seen[r.ID] {
			t.Errorf("%s stands in the catalogue twice", r.ID)
		}
		seen[r.ID] = true
	}
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) != len(all) {
		t.Errorf("%d test data files for %d rules", len(files), len(all))
	}
}

// Every rule says what it is about, and which public files it was tried on.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	families := []string{"communication", "resilience", "data", "boundaries", "observability", "delivery", "standards", "configuration"}
	for _, r := range rules.All() {
		for what, text := range map[string]string{"Title": r.Title, "Why": r.Why, "Bad": r.Bad, "Good": r.Good, "Since": r.Since, "Source": r.Source} {
			if text == "" {
				t.Errorf("%s has no %s", r.ID, what)
			}
		}
		if r.Severity == 0 || r.Confidence <= 0 || r.Confidence > 1 || r.Check == nil {
			t.Errorf("%s: severity %v, confidence %v", r.ID, r.Severity, r.Confidence)
		}
		if (r.Fires == "" || r.Silent == "") && r.Untried == "" {
			t.Errorf("%s names no public file on which it fires or is silent, and does not say that it is untried", r.ID)
		}
		if r.Cure != "" && r.Cure != "fix" && r.Cure != "split" && !slices.ContainsFunc(decisions.All(), func(d decide.Decision) bool { return r.Cure == "advise "+d.ID }) {
			t.Errorf("%s: nothing is cured by ashlar %s", r.ID, r.Cure)
		}
		if !slices.Contains(families, r.Family()) {
			t.Errorf("%s: unknown family", r.ID)
		}
	}
}

// split: files below before/ are the revision that both examples come from.
func split(ar *txtar.Archive) (bad, good, before []*discover.Input, want string) {
	for _, f := range ar.Files {
		dir, name, _ := strings.Cut(f.Name, "/")
		switch dir {
		case "bad":
			bad = append(bad, discover.NewInput(name, f.Data))
		case "good":
			good = append(good, discover.NewInput(name, f.Data))
		case "before":
			before = append(before, discover.NewInput(name, f.Data))
		default:
			want = string(f.Data)
		}
	}
	return bad, good, before, want
}

// check runs one rule over files and returns a line a finding.
func check(t *testing.T, r review.Rule, ins, before []*discover.Input) string {
	t.Helper()
	res, paths := found(t, ins)
	c := &review.Case{System: res.System, Documents: res.Documents, Code: res.Code, Paths: paths}
	if len(before) > 0 {
		old, was := found(t, before)
		c.Before = &review.Before{Name: "main", Paths: was, System: old.System, Documents: old.Documents}
	}
	var lines []string
	for _, f := range review.Run(c, []review.Rule{r}).Findings {
		if strings.Contains(f.Title+f.Detail+f.Fix, "hunter2") {
			t.Error("a secret is printed")
		}
		if len(f.Evidence) == 0 || f.Evidence[0].String() == "" {
			t.Errorf("no evidence for %s", f.Title)
		}
		lines = append(lines, f.Severity.String()+" "+f.Title+"\n")
	}
	return strings.Join(lines, "")
}

// found discovers what files describe.
func found(t *testing.T, ins []*discover.Input) (*discover.Result, []string) {
	t.Helper()
	dir := t.TempDir()
	for _, in := range ins {
		b, err := in.Bytes(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, in.Path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, in.Path), b, fs.FileMode(0o600)); err != nil {
			t.Fatal(err)
		}
	}
	res, err := discover.Run(t.Context(), sources.All(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res, []string{dir}
}

func rewrite(t *testing.T, file string, ar *txtar.Archive, got string) {
	t.Helper()
	ar.Files = slices.DeleteFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
	ar.Files = append(ar.Files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(file, txtar.Format(ar), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Removing a source may lower confidence and must not add a finding.
func TestLessEvidenceAddsNothing(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range ar.Files {
			if strings.HasPrefix(f.Name, "bad/") {
				if err := os.WriteFile(filepath.Join(dir, path.Base(f.Name)), f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		all := sources.All()
		full, read := keys(t, dir, all)
		for i, gone := range all {
			if gone.Name() == "kubernetes" {
				continue // then Istio's hosts lead nowhere at all, and nothing says what is deployed
			}
			if _, ok := read[gone.Name()]; !ok {
				continue // it has nothing to say here
			}
			less, _ := keys(t, dir, slices.Delete(slices.Clone(all), i, i+1))
			for k := range less {
				if !full[k] {
					t.Errorf("%s without %s adds %s", file, gone.Name(), k)
				}
			}
		}
	}
}

// keys of the findings in a folder, and what each source covered of it.
func keys(t *testing.T, dir string, ss []discover.Source) (map[string]bool, map[string]arch.Coverage) {
	t.Helper()
	res, err := discover.Run(t.Context(), ss, []string{dir}, nil)
	if err != nil && res == nil {
		t.Fatal(err)
	}
	m := map[string]bool{}
	for _, f := range review.Run(&review.Case{System: res.System, Documents: res.Documents, Code: res.Code}, rules.All()).Findings {
		m[f.Key] = true
	}
	return m, res.System.Coverage
}
