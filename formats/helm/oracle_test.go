package helm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
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

func compareChart(t *testing.T, bin, root, dir string) bool {
	t.Helper()
	c, err := helm.Load(os.DirFS(root), dir, nil)
	if err != nil || c.Library() {
		t.Logf("%s: not compared: %v", dir, err)
		return false
	}
	cmd := exec.CommandContext(t.Context(), bin, "template", c.Metadata.Name, filepath.Join(root, filepath.FromSlash(dir)), "--include-crds", "--skip-tests", "--namespace", "default", "--kube-version", "1.33.0")
	cmd.Env = append(os.Environ(), "HELM_NO_PLUGINS=1", "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		said := err.Error()
		if x := (*exec.ExitError)(nil); errors.As(err, &x) {
			said, _, _ = strings.Cut(strings.TrimSpace(string(x.Stderr)), "\n")
		}
		t.Logf("%s: not compared: Helm does not render it: %s", dir, doc.Redact(said))
		return false
	}
	r, err := c.Render(t.Context(), nil)
	if err != nil {
		t.Errorf("%s: %v", dir, err)
		return false
	}
	if len(r.Failed) > 0 {
		t.Errorf("%s: Helm renders what we do not: %s: %v", dir, r.Failed[0].Path, r.Failed[0].Err)
	}
	want := objects(t, doc.Read("helm.yaml", out, nil))
	got := map[string]string{}
	for _, f := range r.Files {
		for k, v := range objects(t, f.Docs) {
			got[k] = v
		}
	}
	bad := 0
	for k, w := range want {
		if g, ok := got[k]; !ok || g != w {
			bad++
			t.Errorf("%s: %s\n ours %.600s\n Helm %.600s", dir, k, g, w)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			bad++
			t.Errorf("%s: Helm has no %s", dir, k)
		}
	}
	t.Logf("%s: %d objects, %d of them different", dir, len(want), bad)
	return true
}

// objects by kind, namespace and name, in canonical form.
func objects(t *testing.T, f *doc.File) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, d := range f.Docs {
		var v map[string]any
		if err := json.Unmarshal(d.Root.JSON(), &v); err != nil || v == nil {
			continue
		}
		meta, _ := v["metadata"].(map[string]any)
		if meta["namespace"] == "default" {
			delete(meta, "namespace")
		}
		key := fmt.Sprintf("%v %v/%v", v["kind"], meta["namespace"], meta["name"])
		for n := 2; ; n++ { // a chart may make one twice
			if _, taken := out[key]; !taken {
				break
			}
			key = fmt.Sprintf("%v %v/%v #%d", v["kind"], meta["namespace"], meta["name"], n)
		}
		if v["kind"] == "Secret" {
			for _, part := range []string{"data", "stringData"} {
				if m, ok := v[part].(map[string]any); ok {
					for k := range m {
						m[k] = "***"
					}
				}
			}
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, day := range []time.Time{time.Now(), time.Now().UTC(), time.Now().Add(-time.Minute)} {
			text = strings.ReplaceAll(text, day.Format(time.DateOnly), helm.Epoch.Format(time.DateOnly))
		}
		out[key] = text
	}
	return out
}
