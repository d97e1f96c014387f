package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"gopkg.in/yaml.v3"
)

// collectors judges each configuration by itself and, where that one is refused,
// with the others of its folder laid over each other, as several --config do:
// what one file leaves out, another may say.
func (j *judge) collectors(ctx context.Context) {
	for _, file := range j.files {
		j.judged["collector"]++
		layers := j.layers[filepath.Dir(file)]
		src, err := os.ReadFile(file)
		if err != nil {
			j.say(file, err)
			continue
		}
		err = collector(ctx, [][]byte{src})
		if err != nil && len(layers) > 1 && collector(ctx, layers) == nil {
			err = nil
		}
		if err != nil {
			j.say(file, err)
		}
	}
}

// resourceOf judges the configuration in a resource of the Collector's operator,
// which is a text in v1alpha1.
func resourceOf(d map[string]any) (err error, known bool) {
	spec, _ := d["spec"].(map[string]any)
	switch c := spec["config"].(type) {
	case string:
		return collector(context.Background(), [][]byte{[]byte(c)}), true
	case map[string]any:
		b, err := yaml.Marshal(c)
		if err != nil {
			return err, true
		}
		return collector(context.Background(), [][]byte{b}), true
	}
	return nil, false
}

// collector reads configurations as the Collector does when it starts, and
// validates what they are together. Every type of component is known and takes any
// setting, since no distribution has them all: what is checked is the frame around
// them, which parts there are and which pipelines use them, and the Collector's own
// telemetry.
func collector(ctx context.Context, layers [][]byte) error {
	s := otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
		ProviderFactories: []confmap.ProviderFactory{
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return given(layers) }),
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return unset("env") }),
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return unset("file") }),
		},
		DefaultScheme: "env",
	}}
	for i := range layers {
		s.ResolverSettings.URIs = append(s.ResolverSettings.URIs, "given:"+strconv.Itoa(i))
	}
	p, err := otelcol.NewConfigProvider(s)
	if err != nil {
		return err
	}
	cfg, err := p.Get(ctx, anyComponents(layers))
	if err != nil {
		return err
	}
	return confmap.Validate(cfg)
}

// anything is a component's configuration that takes every setting.
type anything struct {
	Settings map[string]any `mapstructure:",remain"`
}

func settings() component.Config { return &anything{} }

// anyComponents makes a factory for each type that the layers name.
func anyComponents(layers [][]byte) otelcol.Factories {
	f := otelcol.Factories{
		Receivers: map[component.Type]receiver.Factory{}, Processors: map[component.Type]processor.Factory{}, Exporters: map[component.Type]exporter.Factory{},
		Connectors: map[component.Type]connector.Factory{}, Extensions: map[component.Type]extension.Factory{}, Telemetry: otelconftelemetry.NewFactory(),
	}
	for _, src := range layers {
		var parts map[string]map[string]any
		_ = yaml.Unmarshal(src, &parts) // what does not fit is the provider's to tell
		for section, ids := range parts {
			for id := range ids {
				var x component.ID
				if x.UnmarshalText([]byte(id)) == nil {
					anyComponent(&f, section, x.Type())
				}
			}
		}
	}
	return f
}

func anyComponent(f *otelcol.Factories, section string, t component.Type) {
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

// given reads the scheme that numbers the layers.
type given [][]byte

func (g given) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	i, err := strconv.Atoi(uri[len("given:"):])
	if err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML(g[i])
}
func (given) Scheme() string                 { return "given" }
func (given) Shutdown(context.Context) error { return nil }

// unset answers what stands outside of the files: nobody here knows it.
type unset string

func (unset) Retrieve(context.Context, string, confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrieved("unset")
}
func (u unset) Scheme() string               { return string(u) }
func (unset) Shutdown(context.Context) error { return nil }
