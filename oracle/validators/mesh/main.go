// Command mesh says what those who read configurations in production say of them:
// Istio's own validation, Prometheus' reader of rules, and the OpenTelemetry
// Collector's unmarshaller and validation. It prints a line a fault,
// "file: what", and ends with 1 when there is any.
//
//	mesh FILE...
//
// It is a module of its own, since these packages are large and the product needs
// none of them.
package main

import (
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
)

func main() {
	bad := 0
	for _, file := range os.Args[1:] {
		for _, f := range faults(context.Background(), file) {
			fmt.Printf("%s: %s\n", filepath.Base(file), f)
			bad++
		}
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// faults of a file, by what its documents are.
func faults(ctx context.Context, file string) []string {
	src, err := os.ReadFile(file)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var d map[string]any
		switch err := dec.Decode(&d); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			return append(out, err.Error())
		}
		v, _ := d["apiVersion"].(string)
		switch {
		case strings.Contains(v, "istio.io/"):
			out = append(out, mesh(d)...)
		case d["receivers"] != nil && d["service"] != nil:
			out = append(out, collector(ctx, file)...)
		case d["groups"] != nil:
			_, errs := rulefmt.Parse(src, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
			for _, e := range errs {
				out = append(out, e.Error())
			}
		}
	}
}

// mesh checks one of Istio's resources as its webhook does.
func mesh(d map[string]any) []string {
	kind, _ := d["kind"].(string)
	var schema resource.Schema
	for _, s := range collections.Istio.All() {
		if s.Kind() == kind {
			schema = s
		}
	}
	if schema == nil {
		return nil
	}
	b, err := json.Marshal(d["spec"])
	if err != nil {
		return []string{err.Error()}
	}
	msg, err := schema.NewInstance()
	if err != nil {
		return []string{err.Error()}
	}
	if err := config.ApplyJSONStrict(msg, string(b)); err != nil {
		return []string{err.Error()}
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
	if _, err := schema.ValidateConfig(config.Config{Meta: meta, Spec: msg}); err != nil {
		return []string{err.Error()}
	}
	return nil
}
