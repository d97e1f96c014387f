package helm_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/helm"
)

// The oracle: Helm itself renders the same charts, and every object is the same.
func TestOracleHelm(t *testing.T) {
	if os.Getenv("ASHLAR_ORACLE") != "1" {
		t.Skip("runs Helm: make oracle")
	}
	bin := os.Getenv("ASHLAR_HELM")
	if bin == "" {
		t.Fatal("ASHLAR_HELM names no binary: scripts/oracle/helm.sh sets it")
	}
	compared := 0
	for _, root := range []string{"testdata", os.Getenv("ASHLAR_SYSTEMS")} {
		if root == "" {
			t.Log("ASHLAR_SYSTEMS is not set: only the chart of the test data was compared")
			continue
		}
		err := fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir() && (d.Name() == "charts" && p != "charts" && chartAbove(root, p) || d.Name() == ".git" || d.Name() == "node_modules"):
				return fs.SkipDir
			case d.Name() == helm.ChartFile:
				if compareChart(t, bin, root, path.Dir(p)) {
					compared++
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if compared == 0 {
		t.Error("no chart was compared")
	}
}

// chartAbove: the folder holds the sub charts of a chart, which renders them.
func chartAbove(root, charts string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path.Dir(charts)), helm.ChartFile))
	return err == nil
}

// compareChart compares a chart with its own values, and with each file of values
// that it brings for tests (ci/*-values.yaml) or for environments (values-*.yaml).
func compareChart(t *testing.T, bin, root, dir string) (compared bool) {
	t.Helper()
	fsys := os.DirFS(root)
	c, err := helm.Load(fsys, dir, nil)
	if err != nil || c.Library() {
		t.Logf("%s: not compared: %v", dir, err)
		return false
	}
	if compareValues(t, bin, root, dir, c, "") {
		compared = true
	}
	for _, pattern := range []string{"ci/*values.yaml", "values-*.yaml", "values_*.yaml"} {
		files, err := fs.Glob(fsys, path.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if compareValues(t, bin, root, dir, c, f) {
				compared = true
			}
		}
	}
	return compared
}

func compareValues(t *testing.T, bin, root, dir string, c *helm.Chart, values string) bool {
	t.Helper()
	name := dir
	var opts helm.Options
	args := []string{"template", c.Metadata.Name, filepath.Join(root, filepath.FromSlash(dir)), "--include-crds", "--skip-tests", "--namespace", "default", "--kube-version", "1.33.0"}
	if values != "" {
		name += " with " + strings.TrimPrefix(values, dir+"/")
		args = append(args, "--values", filepath.Join(root, filepath.FromSlash(values)))
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(values)))
		if err != nil {
			t.Fatal(err)
		}
		if opts.Values, err = helm.ReadValues(b); err != nil {
			t.Errorf("%s: %v", name, err)
			return false
		}
	}
	want, refused := runHelm(t, bin, args)
	again, _ := runHelm(t, bin, args)
	r, err := c.Render(t.Context(), &opts)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return false
	}
	if refused != "" {
		also := ", and so does this reader"
		if len(r.Failed)+len(r.Missing) == 0 { // notes, which are not rendered here, and what is no object
			also = ", and this reader takes it"
		}
		t.Logf("%s: not compared: Helm refuses it%s: %s", name, also, refused)
		return false
	}
	if len(r.Failed) > 0 {
		t.Errorf("%s: Helm renders what we do not: %s: %v", name, r.Failed[0].Path, r.Failed[0].Err)
	}
	got := map[string]any{}
	for _, f := range r.Files {
		objects(t, got, f.Docs)
	}
	bad := 0
	for _, k := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[k]
		if d := difference(k, g, want[k], again[k]); !ok || d != "" {
			bad++
			t.Errorf("%s: different: %s", name, cmp.Or(d, k+" is missing here"))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			bad++
			t.Errorf("%s: Helm has no %s", name, k)
		}
	}
	t.Logf("%s: %d objects, %d of them different", name, len(want), bad)
	return true
}

// runHelm returns the objects that Helm renders, or what it says when it refuses.
func runHelm(t *testing.T, bin string, args []string) (map[string]any, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Env = append(os.Environ(), "HELM_NO_PLUGINS=1", "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		said := err.Error()
		if x := (*exec.ExitError)(nil); errors.As(err, &x) {
			for line := range strings.Lines(string(x.Stderr)) {
				if strings.HasPrefix(line, "Error: ") {
					said = strings.TrimSpace(line)
					break
				}
			}
		}
		return nil, doc.Redact(said)
	}
	all := map[string]any{}
	objects(t, all, doc.Read("helm.yaml", out, nil))
	return all, ""
}

// objects puts the objects of a file into all, by kind, namespace and name.
func objects(t *testing.T, all map[string]any, f *doc.File) {
	t.Helper()
	for _, d := range f.Docs {
		var v map[string]any
		if err := json.Unmarshal(d.Root.JSON(), &v); err != nil || v == nil {
			continue
		}
		meta, _ := v["metadata"].(map[string]any)
		if meta["namespace"] == "default" {
			delete(meta, "namespace")
		}
		key := fmt.Sprintf("%v %v/%v", v["kind"], cmp.Or(meta["namespace"], any("")), meta["name"])
		first := key
		for n := 2; all[key] != nil; n++ { // a chart may make one twice
			key = fmt.Sprintf("%s #%d", first, n)
		}
		all[key] = v
	}
}

// difference says where our value is not Helm's. What Helm itself makes
// differently when asked again (random texts, certificates, and sums of them) does
// not count, nor does today's date.
func difference(at string, ours, helms, again any) string {
	switch h := helms.(type) {
	case map[string]any:
		o, ok := ours.(map[string]any)
		a, _ := again.(map[string]any)
		if !ok {
			break
		}
		for _, k := range slices.Sorted(maps.Keys(h)) {
			if d := difference(at+"/"+k, o[k], h[k], a[k]); d != "" {
				return d
			}
		}
		for k := range o {
			if _, ok := h[k]; !ok {
				return at + "/" + k + " is only here"
			}
		}
		return ""
	case []any:
		o, ok := ours.([]any)
		a, _ := again.([]any)
		if !ok || len(o) != len(h) {
			break
		}
		for i := range h {
			var second any
			if i < len(a) {
				second = a[i]
			}
			if d := difference(fmt.Sprintf("%s/%d", at, i), o[i], h[i], second); d != "" {
				return d
			}
		}
		return ""
	case string:
		if o, ok := ours.(string); ok && (h != again || o == undated(h)) {
			return ""
		}
	default:
		if ours == helms {
			return ""
		}
	}
	o, _ := json.Marshal(ours)
	h, _ := json.Marshal(helms)
	return fmt.Sprintf("%s: here %s, Helm %s", at, o, h)
}

func undated(s string) string {
	for _, day := range []time.Time{time.Now(), time.Now().UTC(), time.Now().Add(-time.Minute)} {
		s = strings.ReplaceAll(s, day.Format(time.DateOnly), helm.Epoch.Format(time.DateOnly))
	}
	return s
}
