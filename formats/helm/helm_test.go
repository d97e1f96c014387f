package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ashlar-dev/ashlar/formats/helm"
)

func chart(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	if _, ok := files["Chart.yaml"]; !ok {
		m["Chart.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: v2\nname: shop\nversion: 1.0.0\nappVersion: \"3\"\n")}
	}
	for name, s := range files {
		m[name] = &fstest.MapFile{Data: []byte(s)}
	}
	return m
}

func render(t *testing.T, fsys fs.FS, o *helm.Options) *helm.Rendered {
	t.Helper()
	c, err := helm.Load(fsys, ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(r *helm.Rendered) string {
	var b strings.Builder
	for _, f := range r.Files {
		b.WriteString(f.Path + "\n" + strings.TrimSpace(string(f.Text)) + "\n")
	}
	for _, m := range r.Missing {
		b.WriteString("missing " + m.String() + "\n")
	}
	for _, f := range r.Failed {
		b.WriteString(f.Path + ": " + f.Err.Error() + "\n")
	}
	return b.String()
}

func TestRender(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		vals  map[string]any
		want  string
	}{
		"functions": {map[string]string{
			"values.yaml":         "greeting: '{{ .Values.name }}!'\nname: order\nport: 8080\nbig: 12345678\n",
			"conf/a.conf":         "one\ntwo\n",
			"templates/_h.tpl":    `{{ define "x.name" }}{{ .Release.Name }}-{{ .Chart.AppVersion }}{{ end }}`,
			"templates/a.yaml":    "n: {{ include \"x.name\" . }}\ng: {{ tpl .Values.greeting . }}\nl: {{ lookup \"v1\" \"Secret\" \"\" \"x\" | len }}\nf:\n{{ (.Files.Glob \"conf/*\").AsConfig | indent 2 }}\nr: {{ randAlphaNum 5 }} {{ now | date \"2006\" }} {{ len (genCA \"x\" 3).Key | lt 9 }}\np: {{ .Values.port }} {{ .Values.big }} {{ .Values.none }} {{ .Capabilities.APIVersions.Has \"apps/v1\" }}",
			"templates/NOTES.txt": "hello",
		}, nil, "templates/a.yaml\nn: shop-3\ng: order!\nl: 0\nf:\n  a.conf: |\n    one\n    two\nr: aB3dE 2020 true\np: 8080 1.2345678e+07  true\n"},
		"a template that fails hides no other": {map[string]string{
			"templates/a.yaml": "a: {{ required \"a.b is needed\" .Values.a }}", "templates/b.yaml": "b: {{ fail \"no\" }}",
			"templates/c.yaml": "c: 1", "templates/d.yaml": "d: {{ .Values.x.y }}", "templates/e.yaml": "e: {{ if }}",
		}, nil, "templates/c.yaml\nc: 1\ntemplates/a.yaml: a value that has to be given is not: a.b is needed\ntemplates/b.yaml: the chart refuses these values: no\n" +
			"templates/d.yaml: line 1:13: executing \"shop/templates/d.yaml\" at <.Values.x.y>: nil pointer evaluating interface {}.y\ntemplates/e.yaml: line 1: missing value for if\n"},
		"what one template sets, those after it see": {map[string]string{ // deeper paths first, then from the end of the alphabet
			"values.yaml":        "a: 1\n",
			"templates/zzz.yaml": "{{ $x := set $ \"Values\" (dict \"a\" 2 \"name\" .Template.Name) }}",
			"templates/b.yaml":   "a: {{ .Values.a }} {{ .Values.name }} {{ .Template.Name }}",
		}, nil, "templates/b.yaml\na: 2 shop/templates/zzz.yaml shop/templates/b.yaml\n"},
		"values over values": {map[string]string{
			"values.yaml":      "a: {b: 1, c: 2}\nd: [1]\ne: x\n",
			"templates/a.yaml": "{{ toYaml .Values }}",
		}, map[string]any{"a": map[string]any{"b": nil, "z": 3.0}, "e": nil}, "templates/a.yaml\na:\n  c: 2\n  z: 3\nd:\n- 1\n"},
		"sub charts": {map[string]string{
			"Chart.yaml":                "name: shop\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.x, alias: orders, condition: orders.enabled}\n- {name: db, version: 1.x, alias: carts, condition: carts.enabled}\n- {name: gone, version: 2.0.0, repository: https://example.com/charts}\n- {name: spare, version: 1.0.0, condition: spare.enabled}\n- {name: tagged, version: 1.0.0, tags: [extra], import-values: [data]}\n",
			"values.yaml":               "global: {zone: eu}\norders: {size: 5}\ncarts: {enabled: false}\nspare: {enabled: false}\ntags: {extra: true}\n",
			"templates/top.yaml":        "imported: {{ .Values.port }} {{ .Values.orders.size }} {{ .Values.orders.kind }}",
			"charts/db/Chart.yaml":      "name: db\nversion: 1.2.0\n",
			"charts/db/values.yaml":     "size: 1\nkind: pg\n",
			"charts/db/templates/d.yml": "db: {{ .Chart.Name }} {{ .Values.size }} {{ .Values.kind }} {{ .Values.global.zone }} {{ .Template.Name }}",
			"charts/tagged/Chart.yaml":  "name: tagged\nversion: 1.0.0\n",
			"charts/tagged/values.yaml": "exports: {data: {port: 99}}\n",
		}, nil, "charts/db/templates/d.yml\ndb: orders 5 pg eu shop/charts/orders/templates/d.yml\ntemplates/top.yaml\nimported: 99 5 pg\nmissing gone 2.0.0 of https://example.com/charts\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := text(render(t, chart(c.files), &helm.Options{Values: c.vals})); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// A rendered value stands where its template has it, to the character where the
// template has it as it is.
func TestPlaces(t *testing.T) {
	t.Parallel()
	tmpl := "{{- if .Values.show }}\n# a comment\napiVersion: apps/v1\nkind: {{ \"Deployment\" }}\nmetadata:\n  namespace: {{ .Release.Namespace }}\n  labels: {{ include \"l\" . | nindent 4 }}\nspec:\n  {{- range tuple 1 2 }}\n  r{{ . }}: {{ . }}\n  {{- end }}\n  ü: last\n{{- end }}\n"
	r := render(t, chart(map[string]string{"values.yaml": "show: true", "templates/_h.tpl": "{{ define \"l\" }}a: b\nc: d{{ end }}", "templates/d.yaml": tmpl}), nil)
	if len(r.Files) != 1 || len(r.Files[0].Docs.Docs) != 1 {
		t.Fatal(text(r), r.Files)
	}
	d := r.Files[0].Docs.Docs[0]
	for path, want := range map[string]string{
		"apiVersion": "templates/d.yaml:3:13", "kind": "templates/d.yaml:4:7", "metadata labels a": "templates/d.yaml:7:11", "metadata labels c": "templates/d.yaml:7:11",
		"spec r1": "templates/d.yaml:10:13", "spec r2": "templates/d.yaml:10:13", "spec ü": "templates/d.yaml:12:6",
	} {
		if got := d.At(strings.Fields(path)...).String(); got != want {
			t.Errorf("%s stands at %s, want %s", path, got, want)
		}
	}
	if d.Root.Find("metadata", "namespace") != nil {
		t.Error("the release's own namespace is kept")
	}
	f := d.Fault(d.Root.Find("spec", "ü"), "value", nil, "wrong", "").Frame()
	if !strings.Contains(f, "ü: last") {
		t.Errorf("the frame does not show the template: %s", f)
	}
}

// What people write by mistake, or to do harm, ends with an error that says so,
// in bounded time and memory.
func TestLimits(t *testing.T) {
	t.Parallel()
	double := "{{ $x := `0123456789` }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}{{ len $x }}"
	for name, tmpl := range map[string]string{
		"long loop":       "{{ range untilStep 0 3000 1 }}{{ range until 3000 }}{{ end }}{{ end }}",
		"loop of a count": "{{ range 2000000000 }}{{ end }}",
		"long list":       "{{ until 2000000000 }}",
		"doubling":        double,
		"doubling lists":  "{{ $x := list 1 2 3 4 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}",
		"doubling tree":   "{{ $x := dict `a` 1 }}{{ range until 60 }}{{ $x = dict `a` $x `b` $x }}{{ end }}{{ toYaml $x }}",
		"printed tree":    "{{ $x := dict `a` 1 }}{{ range until 60 }}{{ $x = dict `a` $x `b` $x }}{{ end }}{{ $x }}",
		"value in itself": "{{ $x := dict }}{{ $_ := set $x `x` $x }}{{ $x }}",
		"itself as YAML":  "{{ $x := dict }}{{ $_ := set $x `x` $x }}{{ toYaml $x }}",
		"itself copied":   "{{ $x := dict }}{{ $_ := set $x `x` $x }}{{ deepCopy $x }}",
		"endless include": `{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`,
		"endless tpl":     "{{ $x := dict `t` `{{ tpl .t . }}` }}{{ tpl $x.t $x }}",
		"tree of calls":   `{{ define "x" }}{{ if lt (len .) 60 }}{{ include "x" (print . "1") }}{{ include "x" (print . "2") }}{{ end }}{{ end }}{{ include "x" "" }}`,
		"wide print":      "{{ range until 1000000 }}{{ printf `%900000d` 1 }}{{ end }}",
		"repeat":          "{{ repeat 2000000000 `x` }}",
		"replace":         "{{ $x := repeat 100000 `x` }}{{ replace `x` $x $x }}",
		"indent":          "{{ indent 2000000000 `x` }}",
		"unique":          "{{ uniq (until 1000000) }}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := helm.Load(chart(map[string]string{"templates/a.yaml": tmpl}), ".", nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := c.Render(t.Context(), &helm.Options{Limits: &helm.Limits{Steps: 200_000, Made: 32 << 20}})
			if err != nil || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Err.Error(), "rendering stopped") || !errors.Is(r.Failed[0].Err, helm.ErrLimit) {
				t.Fatalf("%v %v", err, text(r))
			}
		})
	}
}

func TestMissingNames(t *testing.T) {
	t.Parallel()
	r := render(t, chart(map[string]string{
		"Chart.yaml":  "name: shop\ndependencies: [{name: redis, alias: cache}, {name: otel}, {name: shop}, {name: pg}]",
		"values.yaml": "otel: {fullnameOverride: collector}\npg: {nameOverride: db}\n",
	}), nil)
	var got []string
	for _, m := range r.Missing {
		got = append(got, m.Of+" as "+m.FullName)
	}
	if s := strings.Join(got, ", "); s != "redis as shop-cache, otel as collector, shop as shop, pg as shop-db" {
		t.Error(s)
	}
}

func TestTimeAndCancel(t *testing.T) {
	t.Parallel()
	c, err := helm.Load(chart(map[string]string{"templates/a.yaml": "{{ range 2000000000 }}{{ end }}"}), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(t.Context(), &helm.Options{Limits: &helm.Limits{Steps: 1 << 40, Time: time.Millisecond}})
	if err != nil || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Err.Error(), "takes more than 1ms") {
		t.Fatalf("%v %+v", err, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Render(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, f := range [][2]string{{"db/Chart.yaml", "name: db\nversion: 1.0.0\n"}, {"db/templates/d.yaml", "packed: {{ .Chart.Name }}\n"}, {"../../out", "x"}} {
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: f[0], Size: int64(len(f[1])), Typeflag: tar.TypeReg, Mode: 0o644}), ignore(w.Write([]byte(f[1])))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"top/Chart.yaml":            {Data: []byte("name: top\nversion: 1.0.0\ndependencies:\n- {name: common, repository: \"file://../common\"}\n- {name: out, repository: \"file://../../../etc\"}\n")},
		"top/.helmignore":           {Data: []byte("# old\n*.bak\n")},
		"top/templates/x.yaml.bak":  {Data: []byte("{{ broken")},
		"top/templates/t.yaml":      {Data: []byte("{{ include \"hi\" . }}")},
		"top/charts/db-1.0.0.tgz":   {Data: packed.Bytes()},
		"common/Chart.yaml":         {Data: []byte("name: common\nversion: 1.0.0\ntype: library\n")},
		"common/templates/_hi.yaml": {Data: []byte(`{{ define "hi" }}hi: there{{ end }}`)},
	}
	c, err := helm.Load(fsys, "top", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Render(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(r), "top/charts/db-1.0.0.tgz:templates/d.yaml\npacked: db\ntop/templates/t.yaml\nhi: there\nmissing out of file://../../../etc\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if _, err := helm.Load(fsys, "top", &helm.Limits{Files: 2}); !errors.Is(err, helm.ErrLimit) {
		t.Error(err)
	}
	if _, err := helm.Load(chart(map[string]string{"Chart.yaml": "name: a\ndependencies: [{name: a, repository: 'file://.'}]"}), ".", nil); err == nil || !strings.Contains(err.Error(), "depends on itself") {
		t.Error(err)
	}
	for _, bad := range []string{"", "name: [", "version: 1"} {
		if _, err := helm.Load(fstest.MapFS{"Chart.yaml": {Data: []byte(bad)}}, ".", nil); err == nil {
			t.Errorf("%q is taken for a chart", bad)
		}
	}
}

func ignore(_ int, err error) error { return err }

// The same chart gives the same bytes.
func TestSame(t *testing.T) {
	t.Parallel()
	fsys := chart(map[string]string{"templates/a.yaml": "{{ range $k, $v := .Values }}{{ $k }}: {{ $v }}\n{{ end }}u: {{ uuidv4 }}{{ randAlpha 3 }}{{ genPrivateKey \"rsa\" | sha256sum }}{{ htpasswd \"a\" \"b\" }}{{ now }}{{ shuffle \"abc\" }}{{ randInt 1 9 }}", "values.yaml": "a: 1\nb: 2\nc: 3\nd: 4\n"})
	first := text(render(t, fsys, nil))
	for range 5 {
		if got := text(render(t, fsys, nil)); got != first {
			t.Fatalf("%s\n%s", got, first)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("a: {{ .Values.x | default 3 | quote }}\n{{ range until 3 }}x{{ . }}: 1\n{{ end }}", "x: 1\ny: {z: [1]}\n")
	f.Add(`{{ define "a" }}{{ tpl "{{ . }}" "x" }}{{ end }}{{ include "a" . | nindent 2 | toYaml | fromYaml | toJson }}`, "global: {a: 1}")
	f.Add("{{ regexReplaceAll \"a\" .Chart.Name \"b\" }}{{ dict \"a\" 1 | merge (dict) | toYaml }}{{ .Files.Get \"x\" }}", "")
	f.Fuzz(func(t *testing.T, tmpl, values string) {
		c, err := helm.Load(chart(map[string]string{"templates/a.yaml": tmpl, "values.yaml": values}), ".", nil)
		if err != nil {
			return
		}
		if _, err := c.Render(t.Context(), &helm.Options{Limits: &helm.Limits{Steps: 2000, Made: 1 << 20, Output: 1 << 16}}); err != nil {
			t.Fatal(err)
		}
	})
}

func ExampleChart_Render() {
	c, err := helm.Load(os.DirFS("testdata/shop"), ".", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := c.Render(context.Background(), &helm.Options{Values: map[string]any{"replicas": 3.0}})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := r.Files[0].Docs.Docs[0]
	fmt.Println(d.Root.Str("kind"), d.Root.Str("metadata", "name"), d.Root.Str("spec", "replicas"), "in", d.At("spec", "replicas"))
	// Output: Deployment shop-order 3 in templates/order.yaml:6:13
}
