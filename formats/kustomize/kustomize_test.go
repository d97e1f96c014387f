package kustomize_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ashlar-dev/ashlar/formats/kustomize"
)

const order = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: order
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: side
        image: side:1
      - name: order
        image: order:1
        envFrom: [{configMapRef: {name: conf}}]
`

func tree(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, s := range files {
		m[name] = &fstest.MapFile{Data: []byte(s)}
	}
	return m
}

var shop = map[string]string{
	"base/kustomization.yaml":    "resources: [order.yaml]\nconfigMapGenerator:\n- name: conf\n  files: [a.properties]\n  literals: [X=1]\n",
	"base/order.yaml":            order,
	"base/a.properties":          "a=b\n",
	"comp/kustomization.yml":     "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 7}\n",
	"prod/kustomization.yaml":    "resources: [../base, 'github.com/else/where//deploy?ref=v1', gone.yaml]\ncomponents: [../comp]\nnamePrefix: p-\nimages: [{name: order, newTag: '2'}]\npatchesStrategicMerge: [patch.yaml]\n",
	"prod/patch.yaml":            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: order}\nspec: {template: {spec: {containers: [{name: order, env: [{name: A, value: b}]}]}}}\n",
	"prod/unrelated.yaml":        "apiVersion: v1\nkind: Service\nmetadata: {name: raw}\n",
	"base/nested/something.yaml": "a: 1\n",
}

func TestBuild(t *testing.T) {
	t.Parallel()
	x, err := kustomize.Load(tree(shop), "prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(x.Files, " "), "base/a.properties base/kustomization.yaml base/order.yaml comp/kustomization.yml prod/kustomization.yaml prod/patch.yaml"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(x.Left), "[{prod/kustomization.yaml github.com/else/where//deploy?ref=v1 it lies elsewhere, and nothing is fetched} {prod/kustomization.yaml gone.yaml there is no such file or folder}]"; got != want {
		t.Errorf("left %s", got)
	}
	built, err := x.Build()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range built {
		names = append(names, b.Path+" "+b.Docs.Docs[0].Root.Str("kind")+" "+b.Docs.Docs[0].Root.Str("metadata", "name")+" "+b.Docs.Docs[0].At("metadata", "name").String())
	}
	if got, want := strings.Join(names, "\n"), "base/kustomization.yaml ConfigMap p-conf-27kdg8k9bd base/kustomization.yaml:3:9\nbase/order.yaml Deployment p-order base/order.yaml:4:9"; got != want {
		t.Fatalf("got %s", got)
	}
	d := built[1].Docs.Docs[0]
	for path, want := range map[string]string{
		"spec replicas":                                               "7 base/order.yaml:6:13",
		"spec template spec containers 0 image":                       "order:2 base/order.yaml:13:16",
		"spec template spec containers 1 image":                       "side:1 base/order.yaml:11:16",
		"spec template spec containers 0 env 0 value":                 "b base/order.yaml:12:9",
		"spec template spec containers 0 envFrom 0 configMapRef name": "p-conf-27kdg8k9bd base/order.yaml:14:41",
	} {
		p := strings.Fields(path)
		if got := d.Root.Str(p...) + " " + d.At(p...).String(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if d.Root.Find("metadata", "annotations") != nil {
		t.Error("the origin's annotation is left in the object")
	}
}

// Nothing that a kustomization names makes a connection or starts a program: git
// on the path leaves a mark when it runs, and a proxy counts who comes.
// A path among the patches is a strategic merge, as it was before patches had
// targets; its file is no manifest.
func TestPatchesByPath(t *testing.T) {
	t.Parallel()
	x, err := kustomize.Load(tree(map[string]string{
		"kustomization.yaml": "resources: [order.yaml]\npatches:\n- more.yaml\n- {path: kind.yaml, target: {kind: Deployment}}\n",
		"order.yaml":         order,
		"more.yaml":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: order}\nspec: {replicas: 3}\n",
		"kind.yaml":          "- {op: replace, path: /kind, value: StatefulSet}\n",
	}), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(x.Files, " "); got != "kind.yaml kustomization.yaml more.yaml order.yaml" {
		t.Errorf("files %s", got)
	}
	built, err := x.Build()
	if err != nil {
		t.Fatal(err)
	}
	if len(built) != 1 || !strings.Contains(string(built[0].Text), "replicas: 3") || !strings.Contains(string(built[0].Text), "kind: StatefulSet") {
		t.Errorf("%s", built[0].Text)
	}
}

// Which patch gave a value, by file and line: files, texts in the kustomization,
// merges and operations.
func TestPatched(t *testing.T) {
	t.Parallel()
	x, err := kustomize.Load(tree(map[string]string{
		"base/kustomization.yaml": "resources: [o.yaml]\n",
		"base/o.yaml":             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: order}\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - name: order\n        image: a:1\n        env: [{name: A, value: a}]\n",
		"prod/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\npatches:\n- path: r.yaml\n- patch: |\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: a:2\n  target: {kind: Deploy.*}\n- path: env.yaml\n  target: {kind: Deployment, name: order}\n- path: gone.yaml\n  target: {kind: Service}\n",
		"prod/r.yaml":             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: order}\nspec:\n  replicas: 5\n  template:\n    spec:\n      containers:\n      - name: order\n        image: a:3\n        resources:\n          limits: {memory: 1Gi}\n",
		"prod/env.yaml":           "- op: add\n  path: /spec/template/spec/containers/0/env/-\n  value: {name: B, value: b}\n",
		"prod/gone.yaml":          "- {op: replace, path: /spec/replicas, value: 5}\n",
	}), "prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	built, err := x.Build()
	if err != nil || len(built) != 1 {
		t.Fatal(err, built)
	}
	var got []string
	for _, p := range built[0].Patched {
		got = append(got, fmt.Sprintf("%s %d by %s:%d", strings.Join(p.Field, "."), p.Line, p.By.File, p.By.Line))
	}
	containers := "spec.template.spec.containers"
	want := []string{"spec.replicas 5 by prod/r.yaml:5", containers + ".resources.limits.memory 9 by prod/r.yaml:12", containers + ".name 9 by prod/r.yaml:9",
		containers + ".0.image 10 by prod/kustomization.yaml:8", containers + ".0.env.name 11 by prod/env.yaml:3", containers + ".0.env.value 11 by prod/env.yaml:3"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNoNetwork(t *testing.T) {
	dir := t.TempDir()
	mark := filepath.Join(dir, "ran")
	for _, name := range []string{"git", "helm", "sh2"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho $0 >> "+mark+"\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(came)
				return
			}
			came <- c.RemoteAddr().String()
			_ = c.Close()
		}
	}()
	t.Setenv("PATH", dir)
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(v, "http://"+l.Addr().String())
	}
	for _, ref := range []string{"https://example.com/x.yaml", "http://" + l.Addr().String() + "/x.yaml", "github.com/a/b", "git@github.com:a/b.git", "ssh://git@example.com/a/b", "https://example.com/a/b//c?ref=1", "git::https://example.com/a/b", "file:///etc", "gh:a/b", "example.com/a/b.git/c"} {
		for _, k := range []string{
			"resources: ['%s', ok.yaml]", "bases: ['%s']", "components: ['%s']", "configurations: ['%s']", "crds: ['%s']", "generators: ['%s']", "transformers: ['%s']", "validators: ['%s']",
			"patches: [{path: '%s', target: {kind: Deployment}}]", "patchesStrategicMerge: ['%s']", "patchesJson6902: [{path: '%s', target: {version: v1, kind: X, name: x}}]",
			"configMapGenerator: [{name: x, files: ['%s', 'a=%[1]s'], envs: ['%[1]s'], env: '%[1]s'}]", "secretGenerator: [{name: x, files: ['%s']}]", "replacements: [{path: '%s'}]", "openapi: {path: '%s'}",
			"helmCharts: [{name: x, repo: '%s', version: '1'}]", "helmChartInflationGenerator: [{chartName: x, chartRepoUrl: '%s'}]",
			"transformers: [\"apiVersion: builtin\\nkind: PatchTransformer\\nmetadata: {name: x}\\npath: '%s'\\n\"]",
			"generators: [\"apiVersion: builtin\\nkind: HelmChartInflationGenerator\\nmetadata: {name: x}\\nname: x\\nrepo: '%s'\\n\"]",
			"generators: [\"apiVersion: x/v1\\nkind: X\\nmetadata: {name: x, annotations: {config.kubernetes.io/function: {exec: {path: '%s'}}}}\\n\"]",
		} {
			x, err := kustomize.Load(tree(map[string]string{"kustomization.yaml": fmt.Sprintf(k, ref), "ok.yaml": order}), ".", nil)
			if err != nil {
				t.Errorf("%s: %v", fmt.Sprintf(k, ref), err)
				continue
			}
			if len(x.Left) == 0 {
				t.Errorf("%s: nothing is listed as left out", fmt.Sprintf(k, ref))
			}
			_, _ = x.Build()
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for who := range came {
		t.Error("a connection came from ", who)
	}
	if b, err := os.ReadFile(mark); err == nil {
		t.Errorf("programs were started: %s", b)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	double := map[string]string{"l0/kustomization.yaml": "resources: [o.yaml]", "l0/o.yaml": order}
	for i := 1; i < 25; i++ {
		for _, v := range []string{"a", "b"} {
			double[fmt.Sprintf("l%d%s/kustomization.yaml", i, v)] = fmt.Sprintf("namePrefix: %s-\nresources: [../l%da, ../l%db]", v, i-1, i-1)
		}
	}
	double["l0a/kustomization.yaml"], double["l0b/kustomization.yaml"] = "resources: [../l0]", "resources: [../l0]"
	for name, c := range map[string]struct {
		files map[string]string
		dir   string
		want  string
	}{
		"doubling":  {double, "l24a", "its bases stand for more than 20000 files"},
		"own base":  {map[string]string{"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"}, "a", "it is its own base"},
		"no YAML":   {map[string]string{"kustomization.yaml": "resources: ["}, ".", "kustomization.yaml"},
		"none":      {nil, ".", "there is no kustomization"},
		"out of it": {map[string]string{"kustomization.yaml": "resources: [../../../etc/passwd]"}, ".", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kustomize.Load(tree(c.files), c.dir, nil)
			if c.want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || name == "doubling" && !errors.Is(err, kustomize.ErrLimit) {
				t.Error(err)
			}
		})
	}
}

func FuzzBuild(f *testing.F) {
	f.Add("resources: [o.yaml]\nnamePrefix: x-\nimages: [{name: order, newTag: '2'}]", order)
	f.Add("resources: [o.yaml]\npatches: [{patch: '[{op: remove, path: /spec}]', target: {kind: Deployment}}]", order)
	f.Add("configMapGenerator: [{name: a, literals: [b=c]}]\nreplicas: [{name: order, count: 2}]", "a: [1, {b: c}]")
	f.Fuzz(func(_ *testing.T, k, resource string) {
		x, err := kustomize.Load(tree(map[string]string{"kustomization.yaml": k, "o.yaml": resource}), ".", nil)
		if err != nil {
			return
		}
		_, _ = x.Build()
		_ = x.Raw()
	})
}
