package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// labels are what is true of a public system; testdata/labels/README.md says how
// they are written.
type labels struct {
	Repository string           `yaml:"repository"`
	Commit     string           `yaml:"commit"`
	Corpus     string           `yaml:"corpus"`
	Paths      []string         `yaml:"paths"`
	Rules      map[string]truth `yaml:"rules"`
	file       string           `yaml:"-"`
}

// truth is what a rule has to say of a system: each of facts, or nothing, with
// the reason.
type truth struct {
	facts  []fact
	silent string
}

// fact is a finding that must be there. Of is a word of its title, of an element or
// of its evidence.
type fact struct{ Of, At, Because string }

// UnmarshalYAML reads a list of facts or a map with the reason for none.
func (tr *truth) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		var none map[string]string
		err := n.Decode(&none)
		tr.silent = none["silent"]
		return err
	}
	var entries []struct {
		Of      yaml.Node `yaml:"of"`
		At      string    `yaml:"at"`
		Because string    `yaml:"because"`
	}
	if err := n.Decode(&entries); err != nil {
		return err
	}
	for _, e := range entries {
		of := []string{e.Of.Value}
		if e.Of.Kind == yaml.SequenceNode {
			if err := e.Of.Decode(&of); err != nil {
				return err
			}
		}
		for _, x := range of {
			tr.facts = append(tr.facts, fact{x, e.At, e.Because})
		}
	}
	return nil
}

func readLabels(t *testing.T) []labels {
	t.Helper()
	files, _ := filepath.Glob("testdata/labels/*.yaml")
	if len(files) == 0 {
		t.Fatal("no labels")
	}
	var all []labels
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		l := labels{file: f}
		if err := yaml.Unmarshal(src, &l); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, l)
	}
	return all
}

// Every label names its place and its reason, and a rule that there is.
func TestLabels(t *testing.T) {
	t.Parallel()
	at := regexp.MustCompile(`^[^:\s]+(:[1-9][0-9]*)?$`)
	for _, l := range readLabels(t) {
		if l.Repository == "" || l.Commit == "" || len(l.Paths) == 0 || len(l.Rules) == 0 {
			t.Errorf("%s lacks its repository, commit, paths or rules", l.file)
		}
		for id, tr := range l.Rules {
			if !slices.ContainsFunc(rules.All(), func(r review.Rule) bool { return r.ID == id }) {
				t.Errorf("%s: there is no rule %s", l.file, id)
			}
			if (tr.silent == "") == (len(tr.facts) == 0) {
				t.Errorf("%s: %s needs facts, or the reason why it is silent", l.file, id)
			}
			for _, f := range tr.facts {
				if f.Because == "" || !at.MatchString(f.At) {
					t.Errorf("%s: %s of %q has no reason, or %q is no place", l.file, id, f.Of, f.At)
				}
			}
		}
	}
}

// What the rules find is held to what is true; a rule below its target is named.
func TestEvalLabels(t *testing.T) {
	corpus, systems := os.Getenv("ASHLAR_CORPUS"), os.Getenv("ASHLAR_SYSTEMS")
	if corpus == "" && systems == "" {
		t.Skip("neither ASHLAR_CORPUS nor ASHLAR_SYSTEMS is set")
	}
	all := withTrees(t)
	scores := map[string]*score{}
	judged := 0
	for _, l := range readLabels(t) {
		root := filepath.Join(corpus, l.Corpus)
		if l.Corpus == "" || corpus == "" {
			root = filepath.Join(systems, strings.Replace(l.Repository, "/", "_", 1))
		}
		if _, err := os.Stat(root); err != nil {
			t.Logf("not judged: %s: %v", l.Repository, err)
			continue
		}
		judged++
		var paths []string
		for _, p := range l.Paths {
			paths = append(paths, filepath.Join(root, p))
		}
		r, err := discover.Run(t.Context(), all, paths, nil)
		if err != nil && r == nil {
			t.Fatal(err)
		}
		res := review.Run(&review.Case{System: r.System, Documents: r.Documents, Code: r.Code}, rules.All())
		for id, tr := range l.Rules {
			if scores[id] == nil {
				scores[id] = &score{}
			}
			compare(t, scores[id], l.Repository, id, tr, res)
		}
	}
	short := 0
	var sum score
	for _, id := range arch.Sorted(scores) {
		s := *scores[id]
		sum.tp, sum.fp, sum.fn, sum.tn = sum.tp+s.tp, sum.fp+s.fp, sum.fn+s.fn, sum.tn+s.tn
		mark := ""
		if float64(s.tp) < targetPrecision*float64(s.tp+s.fp) || float64(s.tp) < targetRecall*float64(s.tp+s.fn) {
			mark = "  below its target"
			short++
		}
		fmt.Printf("%-44s %s%s\n", id, s, mark)
	}
	fmt.Printf("%-44s %s\n", fmt.Sprintf("all %d rules with labels, %d systems", len(scores), judged), sum)
	if short > 0 {
		t.Logf("%d rules are below precision %.2f or recall %.2f", short, targetPrecision, targetRecall)
	}
}

// compare counts how a rule's findings and the facts agree; a finding stands for
// as many facts as it names, and is wrong when it names none.
func compare(t *testing.T, s *score, system, id string, tr truth, res *review.Result) {
	t.Helper()
	found := make([]bool, len(tr.facts))
	n := 0
	for _, f := range res.Findings {
		if f.Rule != id {
			continue
		}
		n++
		some := false
		for i, x := range tr.facts {
			if !found[i] && names(f, x.Of) {
				found[i], some = true, true
			}
		}
		if !some {
			s.fp++
			t.Logf("wrong in %s: %s: %s (%s)", system, id, f.Title, f.Evidence[0])
		}
	}
	for i, x := range tr.facts {
		if found[i] {
			s.tp++
		} else {
			s.fn++
			t.Logf("missed in %s: %s of %s (%s: %s)", system, id, x.Of, x.At, x.Because)
		}
	}
	if n == 0 && len(tr.facts) == 0 {
		s.tn++
	}
}

// names reports whether a finding has a word in its title, an element or its
// evidence; it must not be part of a longer name.
func names(f review.Finding, word string) bool {
	texts := []string{f.Title, f.Detail}
	for _, r := range f.Of {
		texts = append(texts, string(r))
	}
	for _, r := range f.Path {
		texts = append(texts, string(r))
	}
	for _, e := range f.Evidence {
		texts = append(texts, e.Note)
	}
	whole := regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(word) + `($|[^\w-])`)
	return word == "" || slices.ContainsFunc(texts, whole.MatchString)
}
