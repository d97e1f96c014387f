package export_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/export"
	"github.com/ashlar-dev/ashlar/design/view/internal/sample"
	"github.com/ashlar-dev/ashlar/formats/calm"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var update = flag.Bool("update", false, "rewrite testdata")

// graphs are the pictures that every format is tried with.
func graphs() map[string]view.Graph {
	shop, later := sample.Shop(), sample.Shop()
	delete(later.Services, "mailer")
	later.Services["audit"] = arch.Service{Uses: map[string]arch.Call{"store/orders#1": {To: "store/orders", Access: "read"}}}
	order := later.Deployments["prod/order"]
	order.Replicas = arch.Some(5)
	later.Deployments["prod/order"] = order
	findings := &view.Options{Findings: []view.Finding{
		{Of: "service/order", Badge: view.Badge{Severity: view.High, Rule: "resilience/single-replica", Title: "one replica"}},
		{From: "op/order.Place", To: "op/inventory.Check", Badge: view.Badge{Severity: view.Medium, Rule: "resilience/no-timeout", Title: "no timeout"}},
		{Of: "store/stock", Badge: view.Badge{Severity: view.Info, Rule: "data/x", Title: "a note"}},
	}}
	return map[string]view.Graph{
		"services":   view.Services(shop, findings),
		"contexts":   view.Contexts(shop, nil),
		"data":       view.DataOwnership(shop, nil),
		"events":     view.Events(shop, nil),
		"deployment": view.Deployment(shop, nil),
		"sequence":   view.Sequence(shop, "journey/buy"),
		"diff":       view.Diff(shop, later, nil),
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	tried := 0
	for name, g := range graphs() {
		for _, f := range export.Formats() {
			if f.Only != nil && !slices.Contains(f.Only, g.Kind) {
				continue
			}
			tried++
			t.Run(name+f.Ext, func(t *testing.T) {
				t.Parallel()
				got, err := f.Write(g)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata", name+f.Ext), got)
				read(t, f.Name, got)
			})
		}
	}
	if tried < 30 {
		t.Errorf("only %d pictures tried", tried)
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // a path of this test
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs at byte %d; look at it and run go test -update\n%s", path, firstDifference(got, want), got)
	}
}

func firstDifference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// read gives a picture to a program that knows its language.
func read(t *testing.T, format string, text []byte) {
	t.Helper()
	switch format {
	case "svg":
		readXML(t, text)
	case "dot":
		run(t, text, "dot", "-Tplain")
	case "d2":
		readD2(t, text)
	case "calm":
		readCALM(t, text)
	case "mermaid", "structurizr":
		readOracle(t, format, text)
	}
}

func readXML(t *testing.T, text []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
}

// run feeds a program where it is installed.
func run(t *testing.T, in []byte, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Logf("not read by %s, which is not here: apt-get install graphviz", name)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Stdin = bytes.NewReader(in)
	if out, err := c.CombinedOutput(); err != nil || bytes.Contains(out, []byte("Warning")) {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// readOracle runs a reader that is slow to get: ASHLAR_READ_MERMAID and
// ASHLAR_READ_STRUCTURIZR name a program that takes a file and fails on a fault.
func readOracle(t *testing.T, format string, text []byte) {
	t.Helper()
	program := os.Getenv("ASHLAR_READ_" + strings.ToUpper(format))
	if program == "" {
		return
	}
	file := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, file).CombinedOutput(); err != nil { //nolint:gosec // the tester's own program
		t.Errorf("%s: %v\n%s\n%s", program, err, out, text)
	}
}

// readCALM holds a picture to CALM's own schema and to what no schema says: IDs
// that are unique, ends that are there.
func readCALM(t *testing.T, text []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	base := strings.TrimSuffix(calm.Schema, "calm.json")
	for _, name := range []string{"core", "interface", "flow", "control"} {
		b, err := os.ReadFile("../../../formats/calm/testdata/schema/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err == nil {
			err = c.AddResource(base+name+".json", v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = c.MustCompile(base + "core.json").Validate(v)
	}
	if err != nil {
		t.Error(err)
	}
	f := doc.Read("x.calm.json", text, nil)
	if len(f.Docs) != 1 || f.Err() != nil {
		t.Fatalf("%d documents: %v", len(f.Docs), f.Err())
	}
	if _, faults := calm.Read(f.Docs[0]); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
}

// TestHostileNames draws names that mean something in the languages.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	names := []string{`a "b" <c> & [d]`, `\ ; # ${x} %`, "end", "x", "line\nbreak\x00", "`*_|", "subgraph", "日本語サービス", "a -> b: c {", "</title><script>alert(1)</script>", "label", "this", "A", "a"}
	s := arch.System{Name: names[9], Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Topics: map[string]arch.Topic{}}
	for i, n := range names {
		to := arch.NewRef(arch.KindService, names[(i+1)%len(names)])
		store, topic := arch.NewRef(arch.KindStore, n), arch.NewRef(arch.KindTopic, n)
		s.Stores[n], s.Topics[n] = arch.Store{Kind: n}, arch.Topic{Broker: n}
		s.Services[n] = arch.Service{Lang: n, Context: n, Uses: map[string]arch.Call{
			"1": {To: to, Protocol: n, Why: n}, "2": {To: store, Access: "read"}, "3": {To: topic, Access: "publish"}},
			Operations: map[string]arch.Operation{n: {Calls: map[string]arch.Call{"c": {To: arch.NewRef(arch.KindOp, names[(i+1)%len(names)], names[(i+1)%len(names)])}}}}}
	}
	s.Journeys = map[string]arch.Journey{names[0]: {Entry: arch.NewRef(arch.KindOp, names[0], names[0])}}
	for _, g := range []view.Graph{
		view.Services(s, &view.Options{Labels: view.AllLabels, Findings: []view.Finding{{Of: arch.NewRef(arch.KindService, "end"), Badge: view.Badge{Severity: view.High, Rule: names[0], Title: names[9]}}}}),
		view.Contexts(s, nil), view.Sequence(s, arch.NewRef(arch.KindJourney, names[0])),
	} {
		for _, f := range export.Formats() {
			if f.Only != nil && !slices.Contains(f.Only, g.Kind) {
				continue
			}
			t.Run(string(g.Kind)+f.Ext, func(t *testing.T) {
				t.Parallel()
				got, err := f.Write(g)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(got, []byte("<script>")) && f.Name == "svg" {
					t.Error("a name became markup")
				}
				read(t, f.Name, got)
			})
		}
	}
}

func TestFormatThatCannotSayIt(t *testing.T) {
	t.Parallel()
	f, err := export.ByName("dot")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(view.Graph{Kind: view.KindSequence}); err == nil || !strings.Contains(err.Error(), "dot cannot say a sequence view; it can say services") {
		t.Errorf("error = %v", err)
	}
	if _, err := export.ByName("visio"); err == nil || !strings.Contains(err.Error(), "svg, mermaid, d2") {
		t.Errorf("error = %v", err)
	}
}
