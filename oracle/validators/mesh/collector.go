package main

import (
	"context"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"gopkg.in/yaml.v3"
)

// collector reads a configuration as the Collector does when it starts, and
// validates it. Every type of component is known and takes any setting, since no
// distribution has them all: what is checked is the frame around them, which parts
// there are and which pipelines use them, and the Collector's own telemetry.
func collector(ctx context.Context, file string) []string {
	factories, err := anyComponents(file)
	if err != nil {
		return []string{err.Error()}
	}
	p, err := otelcol.NewConfigProvider(otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
		URIs:              []string{"file:" + file},
		ProviderFactories: []confmap.ProviderFactory{confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return files{} })},
	}})
	if err != nil {
		return []string{err.Error()}
	}
	cfg, err := p.Get(ctx, factories)
	if err != nil {
		return []string{err.Error()}
	}
	if err := xconfmap.Validate(cfg); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// anything is a component's configuration that takes every setting.
type anything struct {
	Settings map[string]any `mapstructure:",remain"`
}

func settings() component.Config { return &anything{} }

// anyComponents makes a factory for each type that the file names.
func anyComponents(file string) (otelcol.Factories, error) {
	f := otelcol.Factories{
		Receivers: map[component.Type]receiver.Factory{}, Processors: map[component.Type]processor.Factory{}, Exporters: map[component.Type]exporter.Factory{},
		Connectors: map[component.Type]connector.Factory{}, Extensions: map[component.Type]extension.Factory{}, Telemetry: otelconftelemetry.NewFactory(),
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return f, err
	}
	var parts map[string]map[string]any
	_ = yaml.Unmarshal(src, &parts) // what does not fit is the provider's to tell
	for section, ids := range parts {
		for id := range ids {
			var x component.ID
			if x.UnmarshalText([]byte(id)) != nil {
				continue
			}
			t := x.Type()
			switch section {
			case "receivers":
				f.Receivers[t] = receiver.NewFactory(t, settings)
			case "processors":
				f.Processors[t] = processor.NewFactory(t, settings)
			case "exporters":
				f.Exporters[t] = exporter.NewFactory(t, settings)
			case "connectors":
				f.Connectors[t] = connector.NewFactory(t, settings)
			case "extensions":
				f.Extensions[t] = extension.NewFactory(t, settings, nil, component.StabilityLevelStable)
			}
		}
	}
	return f, nil
}

// files reads the scheme file.
type files struct{}

func (files) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	b, err := os.ReadFile(uri[len("file:"):])
	if err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML(b)
}
func (files) Scheme() string                 { return "file" }
func (files) Shutdown(context.Context) error { return nil }
