package rules_test

import (
	"fmt"
	"math/rand/v2"
	"os"
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

// reviewed runs all rules over files in a folder of their own.
func reviewed(t *testing.T, files map[string][]byte) *review.Result {
	t.Helper()
	dir := t.TempDir()
	for _, name := range arch.Sorted(files) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := discover.Run(t.Context(), sources.All(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return review.Run(&review.Case{System: res.System, Documents: res.Documents, Code: res.Code}, rules.All())
}

func keysOf(res *review.Result) []string {
	var ks []string
	for _, f := range res.Findings {
		ks = append(ks, f.Rule)
	}
	slices.Sort(ks)
	return ks
}

// Files in another order, under other names and cut in other places say the same.
func TestShuffledFilesSayTheSame(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txtar")
	for i, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, uint64(i)))
		whole, parts := map[string][]byte{}, map[string][]byte{}
		for _, f := range ar.Files {
			name, bad := strings.CutPrefix(f.Name, "bad/")
			if !bad {
				continue
			}
			whole[name] = f.Data
			if name != "a.yaml" {
				parts[name] = f.Data
				continue
			}
			for j, doc := range strings.Split(string(f.Data), "\n---\n") {
				parts[fmt.Sprintf("%03d-%d.yaml", rnd.IntN(1000), j)] = []byte(doc + "\n")
			}
		}
		if a, b := keysOf(reviewed(t, whole)), keysOf(reviewed(t, parts)); !slices.Equal(a, b) {
			t.Errorf("%s: %v, in pieces %v", file, a, b)
		}
	}
}

// chart is a clean system of random size: each service calls some that come
// later, runs twice, has its probes, a budget and a version.
func chart(rnd *rand.Rand, name func(i int) string) (map[string][]byte, int) {
	n := 3 + rnd.IntN(5)
	files := map[string][]byte{}
	for i := range n {
		var env strings.Builder
		if i+1 < n && i < 2 { // shallow: a long chain is a finding
			env.WriteString("        env:\n")
			for j := i + 1; j < n && j < i+3; j++ {
				fmt.Fprintf(&env, "        - {name: S%d_ADDR, value: \"%s:80\"}\n", j, name(j))
			}
		}
		files[name(i)+".yaml"] = []byte(strings.NewReplacer("NAME", name(i), "ENV\n", env.String()).Replace(`apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 2
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: main
        image: shop/NAME:1.2
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /ready, port: http}}
        livenessProbe: {httpGet: {path: /live, port: 8080}}
ENV
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: NAME}
spec: {minAvailable: 1, selector: {matchLabels: {app: NAME}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: NAME}
spec:
  host: NAME
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 5}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: NAME}
spec:
  hosts: [NAME]
  http:
  - timeout: 5s
    retries: {attempts: 2, perTryTimeout: 1s, retryOn: "connect-failure"}
    route: [{destination: {host: NAME}}]
`))
	}
	return files, n
}

// faults break a chart in one way each.
var faults = []struct{ rule, old, new string }{
	{"configuration/unknown-field", "readinessProbe:", "startupprobe: {}\n        readinessProbe:"},
	{"configuration/kubernetes-port", "path: /ready, port: http", "path: /ready, port: htp"},
	{"configuration/kubernetes-port", "targetPort: http", "targetPort: web"},
	{"configuration/istio-ignored-field", "consecutive5xxErrors", "consecutiveErrors"},
	{"configuration/istio-retry-on", "connect-failure", "connect-failur"},
	{"configuration/istio-retry-zero", "attempts: 2", "attempts: 0"},
	{"resilience/retry-arithmetic", "perTryTimeout: 1s", "perTryTimeout: 4s"},
	{"resilience/single-replica", "replicas: 2", "replicas: 1"},
	{"resilience/probes", "path: /live, port: 8080", "path: /ready, port: http"},
	{"delivery/recreate", "  replicas: 2\n", "  replicas: 2\n  strategy: {type: Recreate}\n"},
	{"delivery/image-tag", "shop/", "shop/x/"},
}

// A random fault in a clean chart is exactly one finding, of its rule; put back,
// there is none.
func TestOneFaultIsOneFinding(t *testing.T) {
	t.Parallel()
	rounds := 3 * len(faults)
	if os.Getenv("ASHLAR_SOAK") != "" {
		rounds = 100 * len(faults)
	}
	plain := func(i int) string { return fmt.Sprintf("part%c", 'a'+i) }
	for round := range rounds {
		files, n := chart(rand.New(rand.NewPCG(7, uint64(round))), plain)
		if got := keysOf(reviewed(t, files)); len(got) != 0 {
			t.Fatalf("the clean chart of round %d has %v", round, got)
		}
		f := faults[round%len(faults)]
		victim := plain(1+round%(min(n, 3)-1)) + ".yaml" // somebody leans on it
		old := files[victim]
		files[victim] = []byte(strings.Replace(string(old), f.old, f.new, 1))
		if f.rule == "delivery/image-tag" {
			files[victim] = []byte(strings.Replace(string(old), ":1.2", ":latest", 1))
		}
		if got := keysOf(reviewed(t, files)); !slices.Equal(got, []string{f.rule}) {
			t.Errorf("round %d, %s in %s: %v", round, f.rule, victim, got)
		}
		files[victim] = old
		if got := keysOf(reviewed(t, files)); len(got) != 0 {
			t.Errorf("round %d, after reverting %s: %v", round, f.rule, got)
		}
	}
}

// Other names of the services change nothing but the names.
func TestRenamedServicesSayTheSame(t *testing.T) {
	t.Parallel()
	for i, f := range faults {
		broken := func(name func(i int) string) []string {
			files, _ := chart(rand.New(rand.NewPCG(7, uint64(i))), name)
			victim := name(1) + ".yaml"
			files[victim] = []byte(strings.Replace(string(files[victim]), f.old, f.new, 1))
			var out []string
			for _, x := range reviewed(t, files).Findings {
				line := x.Severity.String() + " " + x.Title
				for j := range 8 {
					line = strings.ReplaceAll(line, name(j), fmt.Sprintf("<%d>", j))
				}
				out = append(out, line)
			}
			slices.Sort(out)
			return out
		}
		a := broken(func(i int) string { return fmt.Sprintf("part%c", 'a'+i) })
		b := broken(func(i int) string { return fmt.Sprintf("%cquux", 'z'-i) })
		if !slices.Equal(a, b) {
			t.Errorf("%s:\n%v\nrenamed:\n%v", f.rule, a, b)
		}
	}
}

// What a fix can mend is gone once it is mended, nothing new comes, and a second
// run has nothing to do.
func TestFixedIsSilent(t *testing.T) {
	t.Parallel()
	mended := 0
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range paths {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		put(t, ar, "bad", dir)
		before, edits := judgeFolder(t, dir)
		if len(edits) == 0 {
			continue
		}
		texts := map[string]string{}
		for f := range edits {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			texts[f] = string(src)
		}
		mended += mend(t, edits)
		for f, es := range edits {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			onlyThere(t, texts[f], string(src), es)
		}
		after, left := judgeFolder(t, dir)
		if len(left) > 0 {
			t.Errorf("%s: still to mend: %v", file, left)
		}
		if len(after.Findings) >= len(before.Findings) {
			t.Errorf("%s: %d findings before, %d after", file, len(before.Findings), len(after.Findings))
		}
		for _, f := range after.Findings {
			if !slices.ContainsFunc(before.Findings, func(b review.Finding) bool { return b.Key == f.Key }) {
				t.Errorf("%s: mending brings %s: %s", file, f.Rule, f.Title)
			}
		}
	}
	if mended < 5 {
		t.Errorf("only %d places were mended", mended)
	}
}

// onlyThere checks that nothing but the lines of the edits has changed, and that
// what stands behind a # on them is still there.
func onlyThere(t *testing.T, before, after string, edits []review.Edit) {
	t.Helper()
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(was) != len(is) {
		t.Errorf("%s has %d lines after a fix, and had %d", edits[0].File, len(is), len(was))
		return
	}
	for i := range was {
		_, comment, ok := strings.Cut(was[i], " # ")
		switch {
		case was[i] == is[i]:
		case !slices.ContainsFunc(edits, func(e review.Edit) bool { return e.Line == i+1 }):
			t.Errorf("%s:%d was %q, is %q, and no edit is there", edits[0].File, i+1, was[i], is[i])
		case ok && !strings.HasSuffix(is[i], " # "+comment):
			t.Errorf("%s:%d has lost its comment: %q", edits[0].File, i+1, is[i])
		}
	}
}
