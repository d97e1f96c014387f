package rules

import (
	"path/filepath"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/otelcol"
	"github.com/ashlar-dev/ashlar/design/review"
	format "github.com/ashlar-dev/ashlar/formats/otelcol"
)

// collector is a configuration of the OpenTelemetry Collector with those that may
// be laid over it or below it: files of one folder. A resource stands alone.
type collector struct {
	discover.Typed[*otelcol.Config]
	layers []*format.Config // itself included
}

func collectors(c *review.Case) []collector {
	docs := discover.Of[*otelcol.Config](c.Documents)
	var out []collector
	for _, d := range docs {
		x := collector{Typed: d}
		for _, e := range docs {
			if d.V == e.V || d.V.Resource == nil && e.V.Resource == nil && filepath.Dir(d.Path) == filepath.Dir(e.Path) {
				x.layers = append(x.layers, e.V.Config)
			}
		}
		out = append(out, x)
	}
	return out
}

// whole reports whether the configuration says for itself all that a Collector
// needs; else it is a layer over one that was not read.
func (x collector) whole() bool {
	for _, l := range x.layers {
		if l.Open {
			return false
		}
	}
	return len(x.layers) > 1 || len(x.V.Receivers)+len(x.V.Connectors) > 0 && len(x.V.Exporters)+len(x.V.Connectors) > 0
}

// defines reports whether any layer has the component.
func (x collector) defines(section, id string) bool {
	for _, l := range x.layers {
		if _, ok := l.In(section)[id]; ok {
			return true
		}
	}
	return false
}

// pipelines lists the pipelines of an ID in all layers.
func (x collector) pipelines(id string) []format.Pipeline {
	var out []format.Pipeline
	for _, l := range x.layers {
		if p, ok := l.Service.Pipelines[id]; ok {
			out = append(out, p)
		}
	}
	return out
}

// of is the service that the configuration is for, where that is known.
func (x collector) of(c *review.Case) []arch.Ref {
	if x.V.Resource != nil {
		if ref := arch.NewRef(arch.KindService, x.V.Resource.Service()); c.System.Has(ref) {
			return []arch.Ref{ref}
		}
	}
	return []arch.Ref{}
}

// at is the place of something in the configuration, of a key where it stands in
// a map.
func (x collector) at(note string, path ...string) review.Evidence {
	src := x.At(arch.Config, path...)
	if len(path) > 0 {
		if k := x.Node.Find(path[:len(path)-1]...).KeyNode(path[len(path)-1]); k != nil {
			p := x.Doc.Pos(k)
			src.Line, src.Col = p.Line, p.Col
		}
	}
	return review.Evidence{Source: src, Note: note}
}

// editable reports whether a fix finds the places of the configuration in its
// file: it does not inside a text.
func (x collector) editable() bool { return !x.Doc.File.Inside }
