// Command mesh says what those who read configurations in production say of them:
// Istio's own validation, Prometheus' reader of rules, and the OpenTelemetry
// Collector's unmarshaller and validation. It takes file names, one a line, and
// prints a line a fault, "file: what"; in the end it prints to stderr how many
// documents of each kind it judged. It ends with 0 when all are accepted, 1 when
// any is refused.
//
// It is a module of its own, since these packages are large and the product needs
// none of them.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/log"
)

func main() {
	for _, s := range log.Scopes() {
		s.SetOutputLevel(log.ErrorLevel) // warnings are not refusals
	}
	j := judge{judged: map[string]int{}, layers: map[string][][]byte{}}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		j.read(in.Text())
	}
	j.collectors(context.Background())
	for _, kind := range []string{"istio", "prometheus rules", "collector"} {
		fmt.Fprintf(os.Stderr, "%s %d\n", kind, j.judged[kind])
	}
	if j.refused {
		os.Exit(1)
	}
}

// judge prints what is refused and counts what is judged.
type judge struct {
	judged  map[string]int
	refused bool
	layers  map[string][][]byte // folder -> the Collector configurations in it
	files   []string            // of the layers, in order; each is judged alone first
}

func (j *judge) say(file string, err error) {
	j.refused = true
	fmt.Printf("%s: %s\n", file, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// read judges the documents of a file, by what they are; those of the Collector
// wait until the others of the folder are there.
func (j *judge) read(file string) {
	src, err := os.ReadFile(file)
	if err != nil {
		j.say(file, err)
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var d map[string]any
		switch err := dec.Decode(&d); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			var other *yaml.TypeError
			if !errors.As(err, &other) { // a document that is no mapping is nobody's
				j.say(file, err)
				return
			}
			continue
		}
		j.document(file, src, d)
	}
}

func (j *judge) document(file string, src []byte, d map[string]any) {
	v, _ := d["apiVersion"].(string)
	kind, _ := d["kind"].(string)
	switch {
	case strings.Contains(v, "istio.io/"):
		if err, known := mesh(d, kind); known {
			j.judged["istio"]++
			if err != nil {
				j.say(file, err)
			}
		}
	case kind == "OpenTelemetryCollector":
		if err, known := resourceOf(d); known {
			j.judged["collector"]++
			if err != nil {
				j.say(file, err)
			}
		}
	case d["service"] != nil && v == "" && (d["receivers"] != nil || d["exporters"] != nil || d["processors"] != nil || pipelines(d)):
		dir := filepath.Dir(file)
		j.layers[dir] = append(j.layers[dir], src)
		j.files = append(j.files, file)
	case (d["receivers"] != nil || d["exporters"] != nil || d["connectors"] != nil) && v == "" && d["route"] == nil: // a layer of parts; Alertmanager has a route
		dir := filepath.Dir(file)
		j.layers[dir] = append(j.layers[dir], src)
	case groups(d):
		j.judged["prometheus rules"]++
		_, errs := rulefmt.Parse(src, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		for _, e := range errs {
			j.say(file, e)
		}
	}
}

// groups reports whether a document is a file of rules: groups that have rules.
func groups(d map[string]any) bool {
	list, _ := d["groups"].([]any)
	for _, g := range list {
		if m, ok := g.(map[string]any); ok && m["rules"] != nil && m["name"] != nil {
			return true
		}
	}
	return false
}

func pipelines(d map[string]any) bool {
	s, _ := d["service"].(map[string]any)
	return s["pipelines"] != nil
}

// mesh checks one of Istio's resources as its webhook does; known is false for
// kinds that it has no schema for.
func mesh(d map[string]any, kind string) (err error, known bool) {
	var schema resource.Schema
	for _, s := range collections.Istio.All() {
		if s.Kind() == kind {
			schema = s
		}
	}
	if schema == nil {
		return nil, false
	}
	b, err := json.Marshal(d["spec"])
	if err != nil {
		return err, true
	}
	msg, err := schema.NewInstance()
	if err != nil {
		return err, true
	}
	if err := config.ApplyJSONStrict(msg, string(b)); err != nil {
		return err, true
	}
	meta := config.Meta{GroupVersionKind: schema.GroupVersionKind(), Name: "x", Namespace: "default"}
	if m, ok := d["metadata"].(map[string]any); ok {
		if n, ok := m["name"].(string); ok {
			meta.Name = n
		}
		if n, ok := m["namespace"].(string); ok {
			meta.Namespace = n
		}
	}
	_, err = schema.ValidateConfig(config.Config{Meta: meta, Spec: msg})
	return err, true
}
