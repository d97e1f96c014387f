package advise_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// Names as systems have them: of gRPC, with parameters, dots, blanks, capitals.
var oracleNames = [][2]string{
	{"payment", "POST /charges"}, {"payment", "GET /charges/{id}"}, {"payment", "GET /files/*"},
	{"Order Service", "DELETE /orders/:id/items/{item}"}, {"Order Service", "PUT /v1.0/orders"}, {"Order Service", "Do"},
	{"cart_service.v1", "shop.v1.Cart/Get"}, {"cart_service.v1", "compose_post"}, {"cart_service.v1", "GET /"},
}

// configCases are random worlds, their callees named as above; each case has two
// or three calls, so that settings have to be joined.
func configCases(t *testing.T, n int) [][]advise.Answer {
	t.Helper()
	rng := rand.New(rand.NewPCG(9, 2))
	var out [][]advise.Answer
	for len(out) < n {
		var one []advise.Answer
		host := 3 * rng.IntN(len(oracleNames)/3) // the names come in threes
		for range 2 + rng.IntN(2) {
			a := randomWorld(rng).ask(t)
			if a.Verdict != advise.Settings {
				continue
			}
			name := oracleNames[host+rng.IntN(3)]
			a.To = arch.NewRef(arch.KindOp, name[0], name[1])
			one = append(one, a)
		}
		if len(one) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// files writes the cases for a target; an output is one file.
func files(t *testing.T, target, name string, cases [][]advise.Answer) []string {
	t.Helper()
	var out []string
	for i, c := range cases {
		dir := filepath.Join(t.TempDir(), fmt.Sprint("case", i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := advise.Config(&b, target, c); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, file)
	}
	return out
}

// judged runs a program on files, one a line of its input, and returns what it
// printed; a refusal is a fault of the test.
func judged(t *testing.T, input []string, program string, args ...string) (out, notes string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = strings.NewReader(strings.Join(input, "\n") + "\n")
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			t.Fatal(err)
		}
		t.Errorf("%s: %v\n%s%s", filepath.Base(program), err, o.String(), e.String())
		for l := range strings.Lines(o.String()) {
			if f, _, ok := strings.Cut(l, ": "); ok {
				src, _ := os.ReadFile(f)
				t.Logf("%s", src)
				break
			}
		}
	}
	return o.String(), e.String()
}

// refuses checks that a reader can say no: the same file with one thing wrong.
func refuses(t *testing.T, file, old, wrong string, byName bool, program string, args ...string) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(src, []byte(old)) {
		t.Fatalf("no %q in %s, %v", old, src, err)
	}
	bad := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(bad, bytes.Replace(src, []byte(old), []byte(wrong), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if byName {
		args = append(args, bad)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = strings.NewReader(bad + "\n")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("%s takes %q as well: %s", filepath.Base(program), wrong, out)
	}
}

func oracle(t *testing.T, variable string) string {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		t.Skipf("%s is not set: `make oracle` builds the readers of these files and sets it", variable)
	}
	return v
}

const oracleCases = 40

// Istio's own validation takes what is written for it.
func TestOracleIstio(t *testing.T) {
	t.Parallel()
	bin := oracle(t, "ASHLAR_VALIDATORS")
	in := files(t, "istio", "x.yaml", configCases(t, oracleCases))
	_, notes := judged(t, in, filepath.Join(bin, "mesh"))
	refuses(t, in[0], "timeout: ", "timeout: -", false, filepath.Join(bin, "mesh"))
	n := count(t, notes, "istio ")
	t.Logf("istio: %d resources accepted", n)
	if n < oracleCases {
		t.Errorf("only %d resources were judged", n)
	}
}

func count(t *testing.T, notes, prefix string) int {
	t.Helper()
	for l := range strings.Lines(notes) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), prefix); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %q in %q", prefix, notes)
	return 0
}

// The published definitions of the Gateway API, with their CEL rules, take the
// routes for Linkerd, and Kubernetes' own schema the Services.
func TestOracleLinkerd(t *testing.T) {
	t.Parallel()
	bin := oracle(t, "ASHLAR_ADVISE")
	in := files(t, "linkerd", "x.yaml", configCases(t, oracleCases))
	_, notes := judged(t, in, filepath.Join(bin, "crds"), filepath.Join(bin, "gatewayapi"))
	routes := 0
	for _, f := range in {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if routes += bytes.Count(src, []byte("kind: HTTPRoute")); bytes.Contains(src, []byte("type: Exact")) {
			refuses(t, f, "type: Exact", "type: Exactly", false, filepath.Join(bin, "crds"), filepath.Join(bin, "gatewayapi"))
		}
	}
	n := count(t, notes, "objects ")
	t.Logf("linkerd: %d objects accepted, %d of them routes", n, routes)
	if n < oracleCases || routes < 10 {
		t.Errorf("only %d objects were judged", n)
	}
}

// read takes apart "value<TAB>..." lines: the last field is the value, those before
// it the key.
func read(out string) map[string]string {
	got := map[string]string{}
	for l := range strings.Lines(out) {
		f := strings.Split(strings.TrimRight(l, "\n"), "\t")
		if f[0] == "value" && len(f) > 2 {
			got[strings.Join(f[1:len(f)-1], "|")] = f[len(f)-1]
		}
	}
	return got
}

// decK's reader takes what is written for Kong, and reads the numbers that were
// meant.
func TestOracleKong(t *testing.T) {
	t.Parallel()
	bin := oracle(t, "ASHLAR_ADVISE")
	cases := configCases(t, oracleCases)
	for i := range cases { // one callee each, so that the numbers are those of one answer
		cases[i] = cases[i][:1]
	}
	in := files(t, "kong", "x.yaml", cases)
	out, _ := judged(t, in, filepath.Join(bin, "kong"))
	refuses(t, in[0], "read_timeout: ", "read_timeout: soon", false, filepath.Join(bin, "kong"))
	got := read(out)
	for i, c := range cases {
		host := strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(c[0].To.Name()))
		tries, _ := c[0].Number(advise.Tries)
		try, ok := c[0].Number(advise.PerTry)
		if !ok {
			try, _ = c[0].Number(advise.Timeout)
		}
		if v := got[in[i]+"|service "+host+"|retries"]; v != fmt.Sprint(tries.Value-1) {
			t.Errorf("%s: %s retries, want %g less one", host, v, tries.Value)
		}
		if v := got[in[i]+"|service "+host+"|read"]; !downTo(v, try.Value) {
			t.Errorf("%s: read timeout of %s ms, want %gs", host, v, try.Value)
		}
	}
	t.Logf("kong: %d configurations accepted, their timeouts and retries as computed", len(in))
}

// downTo reports whether milliseconds are the seconds, cut downwards.
func downTo(ms string, want float64) bool {
	v, err := strconv.ParseFloat(ms, 64)
	return err == nil && (v == 1 && want < 2e-3 || v <= want*1e3+1e-6 && v > want*1e3-1-want*10)
}

// A Spring application starts on the file, no key of it is unknown, and the
// registries hold the numbers that were meant; a breaker of so many in a row opens
// after just so many.
func TestOracleResilience4j(t *testing.T) {
	t.Parallel()
	bin := oracle(t, "ASHLAR_ADVISE")
	jars := filepath.Join(bin, "resilience4j")
	if _, err := os.Stat(jars); err != nil {
		t.Skip("Resilience4j was not built: it wants Maven and a JDK of 17 or later")
	}
	var all []advise.Answer
	rng := rand.New(rand.NewPCG(9, 3))
	for len(all) < 30 {
		if a := randomWorld(rng).ask(t); a.Verdict == advise.Settings {
			a.From = arch.NewRef(arch.KindOp, "caller", fmt.Sprint("Op", len(all)))
			all = append(all, a)
		}
	}
	file := files(t, "resilience4j", "application.yaml", [][]advise.Answer{all})[0]
	out, _ := judged(t, nil, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(jars, "*"), "oracle.Load", file)
	refuses(t, file, "maxAttempts", "maxTries", true, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(jars, "*"), "oracle.Load")
	got := read(out)
	rows := 0
	for i := range all {
		a := &all[i]
		id := fmt.Sprintf("CallerOp%dToBDo", i)
		num := func(name string) float64 { n, _ := a.Number(name); return n.Value }
		is := func(key string, want float64) {
			t.Helper()
			if v, err := strconv.ParseFloat(got[strings.Replace(key, "*", id, 1)], 64); err != nil || math.Abs(v-want) > 1e-3*want {
				t.Errorf("%s: %q, want %g", strings.Replace(key, "*", id, 1), got[strings.Replace(key, "*", id, 1)], want)
			}
		}
		is("retry|*|attempts", num(advise.Tries))
		is("bulkhead|*|let in", num(advise.Bulkhead))
		limit := num(advise.PerTry)
		if limit == 0 {
			limit = num(advise.Timeout)
		}
		if v := got["timelimiter|"+id+"|timeout"]; !downTo(v, limit) {
			t.Errorf("%s: time limit of %s ms, want %gs", id, v, limit)
		}
		if row := num(advise.InARow); row > 0 {
			rows++
			is("circuitbreaker|*|opens after", row)
		} else if share := num(advise.Threshold); share > 0 {
			is("circuitbreaker|*|failures", 100*share)
			is("circuitbreaker|*|opens after", num(advise.MinCalls))
		}
	}
	if rows == 0 {
		t.Error("no case has a breaker of so many in a row")
	}
	t.Logf("resilience4j: a Spring application started on %d instances, its registries hold what was computed", len(all))
}

// What is written as Go compiles against the patterns, every part of it is valid
// there, and a policy made of it runs.
func TestOracleGo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles")
	}
	var all []advise.Answer
	for _, c := range configCases(t, 12) {
		all = append(all, c...)
	}
	settings := files(t, "go", "settings.go", [][]advise.Answer{all})[0]
	src, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	// Inside this module, whose workspace has the patterns; ./... passes by what
	// begins with an underscore.
	dir, err := os.MkdirTemp(".", "_oracle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var calls strings.Builder
	n := 0
	for l := range strings.Lines(string(src)) {
		if name, ok := strings.CutPrefix(l, "var "); ok {
			name, _, _ = strings.Cut(name, " ")
			fmt.Fprintf(&calls, "\trun(%q, %s)\n", name, name)
			n++
		}
	}
	program := strings.Replace(string(src), "package settings", "package main", 1)
	main := fmt.Sprintf(goOracle, calls.String())
	for name, text := range map[string]string{"settings.go": program, "main.go": main} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./"+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != fmt.Sprint(n) || n < 12 {
		t.Errorf("%d settings: %v\n%s\n%s", n, err, out, program)
	}
	t.Logf("go: %d settings compiled, were valid and ran (%s)", n, time.Since(start).Round(time.Second))
}

const goOracle = `package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

var ran int

// run calls through a policy of c: once well, and failing as often as c has tries.
func run(name string, c resilience.Config) {
	target, err := resilience.New(name, c, &resilience.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		fmt.Println(name, err)
		os.Exit(1)
	}
	if v, err := resilience.Do(context.Background(), target, resilience.Repeatable, func(context.Context) (int, error) { return 42, nil }); v != 42 || err != nil {
		fmt.Println(name, v, err)
		os.Exit(1)
	}
	tries := 0
	_, err = resilience.Do(context.Background(), target, resilience.Repeatable, func(context.Context) (int, error) {
		tries++
		return 0, errors.New("failed")
	})
	if err == nil || tries < 1 || tries > c.Retry.Tries {
		fmt.Println(name, tries, "tries instead of", c.Retry.Tries, err)
		os.Exit(1)
	}
	ran++
}

func main() {
%s	fmt.Println(ran)
}
`
