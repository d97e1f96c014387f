package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// validators runs the programs of oracle/validators, which lie in the folder that
// ASHLAR_VALIDATORS names, and promtool where it is installed. It returns what they
// refuse, by file, and how many documents of each kind they judged.
func validators(t *testing.T, files []string) (refused map[string][]string, judged map[string]string) {
	t.Helper()
	bin := os.Getenv("ASHLAR_VALIDATORS")
	if bin == "" {
		t.Skip("ASHLAR_VALIDATORS is not set: `make oracle` builds the real validators, and scripts/oracle/validators-agent.sh prints their folder")
	}
	refused, judged = map[string][]string{}, map[string]string{}
	for _, name := range []string{"kubernetes", "mesh"} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name))
		cmd.Stdin = strings.NewReader(strings.Join(files, "\n") + "\n")
		var out, notes bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &notes
		var ended *exec.ExitError
		if err := cmd.Run(); err != nil && (!errors.As(err, &ended) || ended.ExitCode() != 1) {
			t.Fatalf("%s: %v\n%s", name, err, notes.String())
		}
		for line := range strings.Lines(out.String()) {
			i := slices.IndexFunc(files, func(f string) bool { return strings.HasPrefix(line, f+": ") })
			if i < 0 {
				t.Fatalf("%s says %q of no file that it was given", name, line)
			}
			refused[files[i]] = append(refused[files[i]], name+": "+strings.TrimSpace(line[len(files[i])+2:]))
		}
		for line := range strings.Lines(notes.String()) {
			if i := strings.LastIndexByte(strings.TrimSpace(line), ' '); i > 0 {
				judged[line[:i]] = strings.TrimSpace(line[i:])
			}
		}
	}
	promtool(t, files, refused, judged)
	return refused, judged
}

// promtool checks the configurations of Prometheus itself.
func promtool(t *testing.T, files []string, refused map[string][]string, judged map[string]string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		return
	}
	n := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(src, []byte("scrape_configs:")) || bytes.HasPrefix(src, []byte("apiVersion")) || bytes.Contains(src, []byte("\nreceivers:")) || bytes.Contains(src, []byte("\napiVersion")) {
			continue
		}
		n++
		if out, err := exec.CommandContext(t.Context(), tool, "check", "config", "--syntax-only", f).CombinedOutput(); err != nil {
			refused[f] = append(refused[f], "promtool: "+strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "; "))
		}
	}
	judged["promtool"] = fmt.Sprint(n)
}

// put writes the files of an archive below a folder that it names, without it.
func put(t *testing.T, ar *txtar.Archive, folder, dir string) (files []string) {
	t.Helper()
	for _, f := range ar.Files {
		name, ok := strings.CutPrefix(f.Name, folder+"/")
		if !ok {
			continue
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
			files = append(files, to)
		}
	}
	return files
}

// judgeFolder reviews a folder with all rules and gathers the edits by file.
func judgeFolder(t *testing.T, dir string) (*review.Result, map[string][]review.Edit) {
	t.Helper()
	res, err := discover.Run(t.Context(), sources.All(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := review.Run(&review.Case{System: res.System, Documents: res.Documents, Code: res.Code}, rules.All())
	edits := map[string][]review.Edit{}
	for _, f := range out.Findings {
		for _, e := range f.Edits {
			edits[e.File] = append(edits[e.File], e)
		}
	}
	return out, edits
}

// mend applies edits to their files.
func mend(t *testing.T, edits map[string][]review.Edit) (places int) {
	t.Helper()
	for _, f := range arch.Sorted(edits) {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out, err := review.Fix(f, src, edits[f])
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if err := os.WriteFile(f, out, 0o600); err != nil {
			t.Fatal(err)
		}
		places += len(edits[f])
	}
	return places
}

// What follows the advice is accepted by those who read it in production: the good
// half of every rule's test data, and the bad half once `ashlar fix` has mended it.
// A mended file may be refused only where a finding in it is left for a person.
func TestOracleFixedIsAccepted(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob("testdata/*.txtar")
	var good, mended []string
	left := map[string]bool{}
	places := 0
	for _, p := range paths {
		ar, err := txtar.ParseFile(p)
		if err != nil {
			t.Fatal(err)
		}
		good = append(good, put(t, ar, "good", t.TempDir())...)
		dir := t.TempDir()
		files := put(t, ar, "bad", dir)
		after, edits := judgeFolder(t, dir)
		if len(edits) > 0 {
			places += mend(t, edits)
			after, _ = judgeFolder(t, dir)
		}
		mended = append(mended, files...)
		for _, f := range after.Findings {
			for _, e := range f.Evidence {
				left[e.File] = left[e.File] || f.Severity >= review.Medium && strings.HasPrefix(f.Rule, "configuration/")
			}
		}
	}
	refused, judged := validators(t, good)
	for _, f := range arch.Sorted(refused) {
		t.Errorf("a good example is refused: %s: %v", f, refused[f])
	}
	t.Logf("good examples: %d files; judged: %v; refused: %d", len(good), judged, len(refused))
	refused, judged = validators(t, mended)
	n := 0
	for _, f := range arch.Sorted(refused) {
		if n++; !left[f] {
			t.Errorf("a mended file without a finding is refused: %s: %v", f, refused[f])
		}
	}
	t.Logf("bad examples after ashlar fix: %d files, %d places mended; judged: %v; refused: %d, each with a finding that is left for a person", len(mended), places, judged, n)
}

// On public files the validators and the rules say the same: what is refused there
// has a finding here. ASHLAR_SYSTEMS names a folder of source trees.
func TestOraclePublicFiles(t *testing.T) {
	t.Parallel()
	root := os.Getenv("ASHLAR_SYSTEMS")
	if root == "" || os.Getenv("ASHLAR_VALIDATORS") == "" {
		t.Skip("ASHLAR_SYSTEMS and ASHLAR_VALIDATORS are not set: see `make oracle`")
	}
	systems, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range systems {
		dir := filepath.Join(root, s.Name())
		found := map[string]bool{}
		res, _ := judgeFolder(t, dir)
		for _, f := range res.Findings {
			for _, e := range f.Evidence {
				found[e.File] = true
			}
		}
		var files []string
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			ext := filepath.Ext(p)
			if d.Type().IsRegular() && (ext == ".yaml" || ext == ".yml") && readable(p) {
				files = append(files, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			continue
		}
		refused, judged := validators(t, files)
		var missed []string
		for _, f := range arch.Sorted(refused) {
			if !found[f] {
				rel, _ := filepath.Rel(root, f)
				missed = append(missed, rel+": "+strings.Join(refused[f], "; "))
			}
		}
		t.Logf("public files of %s: %d; judged: %v; refused: %d, of which the rules miss %d", s.Name(), len(files), judged, len(refused), len(missed))
		for _, m := range missed {
			t.Logf("refused and not found: %.400s", m)
		}
	}
}

// readable leaves out templates, which are no YAML yet.
func readable(p string) bool {
	b, err := os.ReadFile(p)
	return err == nil && !bytes.Contains(b, []byte("{{"))
}
