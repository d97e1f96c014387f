package formats_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/calm"
	"github.com/ashlar-dev/ashlar/formats/consul"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
	"github.com/ashlar-dev/ashlar/formats/envoy"
	"github.com/ashlar-dev/ashlar/formats/jaeger"
	"github.com/ashlar-dev/ashlar/formats/kong"
	"github.com/ashlar-dev/ashlar/formats/linkerd"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
	"github.com/ashlar-dev/ashlar/formats/otlp"
	"github.com/ashlar-dev/ashlar/formats/prometheus"
	"github.com/ashlar-dev/ashlar/formats/structurizr"
	"github.com/ashlar-dev/ashlar/formats/syntax"
	"github.com/ashlar-dev/ashlar/formats/zipkin"
)

// rounds is how many random values each encoder has to write; ASHLAR_SOAK=1 asks
// for 50 times as many.
func rounds() uint64 {
	if os.Getenv("ASHLAR_SOAK") != "" {
		return 5000
	}
	return 100
}

// encoders are all encoders by the folder of their format. Each makes a random
// value, writes it, reads it, and says where what came back is another one.
var encoders = map[string]func(g *gen) (written []byte, diff string, err error){
	"calm": func(g *gen) ([]byte, string, error) {
		return trip(g, architecture, (*calm.Architecture).Encode, readCALM)
	},
	"consul": func(g *gen) ([]byte, string, error) {
		return trip(g, consulServices, consul.JSON, func(b []byte) ([]consul.Service, error) {
			d := doc.Read("s.json", b, nil).Docs[0]
			c := consul.Read(d, d.Root)
			for i := range c.Services {
				forget(&c.Services[i])
			}
			return c.Services, joined(c.Faults)
		})
	},
	"doc": func(g *gen) ([]byte, string, error) {
		return trip(g, filled[everything], func(v *everything) ([]byte, error) { return doc.Encode(v) }, func(b []byte) (*everything, error) {
			v := new(everything)
			d := doc.Read("v.yaml", b, nil).Docs[0]
			return v, joined(d.DecodeNode(d.Root, v))
		})
	},
	"envoy": func(g *gen) ([]byte, string, error) {
		const manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
		g.types = map[reflect.Type]func(*gen) any{reflect.TypeFor[envoy.Duration](): func(g *gen) any { return envoy.Duration(g.Int64N(int64(time.Hour))) }}
		g.fields = map[string]func(*gen) any{"Manager.Type": func(*gen) any { return manager }}
		return trip(g, filled[envoy.Config], (*envoy.Config).YAML, root(envoy.Read))
	},
	"jaeger": func(g *gen) ([]byte, string, error) { return trip(g, jaegerTraces, writeJaeger, readJaeger) },
	"kong": func(g *gen) ([]byte, string, error) {
		wait := func(g *gen) any { ms := 1 + g.IntN(1<<20); return &ms } // 0 is refused
		g.fields = map[string]func(*gen) any{"Config.Version": func(g *gen) any { return []string{"1.1", "2.1", "3.0"}[g.IntN(3)] },
			"Service.Connect": wait, "Service.Write": wait, "Service.Read": wait}
		return trip(g, filled[kong.Config], (*kong.Config).YAML, func(b []byte) (*kong.Config, error) { return kong.Read(doc.Read("kong.yaml", b, nil).Docs[0]), nil })
	},
	"linkerd": func(g *gen) ([]byte, string, error) {
		g.fields = map[string]func(*gen) any{
			"Profile.APIVersion": func(*gen) any { return "linkerd.io/v1alpha2" }, "Profile.Kind": func(*gen) any { return "ServiceProfile" },
			"Profile.Metadata": func(*gen) any { return doc.Read("", []byte("{name: a.b.svc.cluster.local}"), nil).Docs[0].Root },
		}
		return trip(g, filled[linkerd.Profile], (*linkerd.Profile).YAML, func(b []byte) (*linkerd.Profile, error) {
			ps := linkerd.Profiles(doc.Read("p.yaml", b, nil).Docs[0])
			if len(ps) != 1 {
				return nil, fmt.Errorf("%d profiles", len(ps))
			}
			return ps[0], nil
		})
	},
	"otelcol": func(g *gen) ([]byte, string, error) {
		ids := func(g *gen) any { // what comes from the environment is left out of lists of IDs
			return slices.DeleteFunc([]string{"a" + g.text(), "b/" + g.text()}, func(s string) bool { return strings.Contains(s, "$") })
		}
		g.fields = map[string]func(*gen) any{"Service.Extensions": ids, "Pipeline.Receivers": ids, "Pipeline.Processors": ids, "Pipeline.Exporters": ids,
			"Service.Telemetry": func(g *gen) any { n := &doc.Node{Kind: doc.Map}; n.Set("k", g.node(1)); return n }}
		return trip(g, filled[otelcol.Config], (*otelcol.Config).YAML, root(otelcol.Read))
	},
	"otlp": func(g *gen) ([]byte, string, error) { return trip(g, resourceSpans, writeOTLP, readOTLP) },
	"prometheus": func(g *gen) ([]byte, string, error) {
		g.types = map[reflect.Type]func(*gen) any{
			reflect.TypeFor[prometheus.Duration](): func(g *gen) any { return prometheus.Duration(time.Duration(g.IntN(1e8)) * time.Millisecond) },
			reflect.TypeFor[prometheus.Remote]():   func(g *gen) any { return prometheus.Remote{URL: "u" + g.text()} },
			reflect.TypeFor[prometheus.Receiver](): func(g *gen) any {
				return prometheus.Receiver{Name: g.text(), Ways: []string{"slack", "webhook"}[g.IntN(3):]}
			},
		}
		switch g.IntN(3) {
		case 0:
			return trip(g, filled[prometheus.Config], (*prometheus.Config).YAML, root(prometheus.Read))
		case 1:
			return trip(g, filled[prometheus.RuleFile], (*prometheus.RuleFile).YAML, root(prometheus.ReadRules))
		}
		return trip(g, filled[prometheus.Alertmanager], (*prometheus.Alertmanager).YAML, root(prometheus.ReadAlertmanager))
	},
	"structurizr": func(g *gen) ([]byte, string, error) { return trip(g, workspace, writeDSL, readDSL) },
	"syntax": func(g *gen) ([]byte, string, error) {
		tree := syntaxTree(g) // its source goes beside it
		return trip(g, func(*gen) *syntax.Tree { return tree }, func(t *syntax.Tree) ([]byte, error) { return t.Append(nil), nil },
			func(b []byte) (*syntax.Tree, error) { return syntax.Decode(b, tree.Src) })
	},
	"zipkin": func(g *gen) ([]byte, string, error) {
		return trip(g, zipkinSpans, func(s []zipkin.Span) ([]byte, error) { return zipkin.Append(nil, s) }, readZipkin)
	},
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, once := range encoders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range rounds() {
				written, diff, err := once(&gen{Rand: rand.New(rand.NewPCG(seed, 7))})
				if err != nil || diff != "" {
					t.Fatalf("seed %d: %v %s\n%s", seed, err, diff, written)
				}
			}
		})
	}
}

// A format either has its line in the table above or says that it only reads.
func TestEveryFormatIsWrittenOrSaysThatItOnlyReads(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("*/")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders {
		name := filepath.Base(dir)
		pkgs, err := parser.ParseDir(token.NewFileSet(), dir, func(i os.FileInfo) bool { return !strings.HasSuffix(i.Name(), "_test.go") }, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		reads := false
		for _, p := range pkgs {
			for _, f := range p.Files {
				reads = reads || strings.Contains(strings.Join(strings.Fields(f.Doc.Text()), " "), "It only reads")
			}
		}
		if _, written := encoders[name]; written == reads {
			t.Errorf("%s: has an encoder in the table: %v, says that it only reads: %v", name, written, reads)
		}
	}
}

func trip[T any](g *gen, random func(*gen) T, write func(T) ([]byte, error), read func([]byte) (T, error)) (written []byte, diff string, err error) {
	want := random(g)
	if written, err = write(want); err != nil {
		return nil, "", fmt.Errorf("writing %+v: %w", want, err)
	}
	got, err := read(written)
	if err != nil {
		return written, "", fmt.Errorf("reading: %w", err)
	}
	return written, differ("", reflect.ValueOf(want), reflect.ValueOf(got)), nil
}

func filled[T any](g *gen) *T {
	v := new(T)
	g.fill(reflect.ValueOf(v).Elem(), 7)
	return v
}

// root reads the root of the only document. What a program refuses (two jobs of
// one name) is a fault and not missing, so faults are not looked at.
func root[T any](read func(*doc.Document, *doc.Node) T) func([]byte) (T, error) {
	return func(b []byte) (T, error) {
		f := doc.Read("f.yaml", b, nil)
		if len(f.Docs) != 1 {
			var none T
			return none, fmt.Errorf("%d documents, %v", len(f.Docs), f.Faults)
		}
		return read(f.Docs[0], f.Docs[0].Root), f.Err()
	}
}

func joined(faults []*doc.Fault) error {
	if len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// everything is a type with all that doc.Encode takes.
type everything struct {
	Text    string               `json:"text"`
	Number  int                  `json:"number"`
	Small   uint8                `json:"small"`
	Share   float64              `json:"share"`
	Yes     bool                 `json:"yes"`
	Wait    time.Duration        `json:"wait"`
	Maybe   *string              `json:"maybe"`
	Perhaps *int                 `json:"perhaps"`
	Node    *doc.Node            `json:"node"`
	List    []string             `json:"list"`
	Rows    [][]int              `json:"rows"`
	Map     map[string]string    `json:"map"`
	Deep    map[string]*doc.Node `json:"deep"`
	Next    []*everything        `json:"next"`
}

func consulServices(g *gen) []consul.Service {
	var out []consul.Service
	for range 1 + g.IntN(3) {
		s := consul.Service{Name: "s" + g.text(), ID: g.id(), Address: g.text(), Port: g.IntN(65536), Connect: g.coin()}
		g.fill(reflect.ValueOf(&s.Tags).Elem(), 1)
		g.fill(reflect.ValueOf(&s.Meta).Elem(), 1)
		for range g.IntN(3) {
			every := time.Duration(1+g.IntN(1e6)) * time.Millisecond
			c := consul.Check{Name: g.text(), ID: g.id(), Kind: []string{"http", "tcp", "udp", "grpc", "ttl"}[g.IntN(5)]}
			if c.Kind == "ttl" {
				c.TTL, c.Target = every, every.String()
			} else {
				c.Target, c.Interval, c.Timeout = "t"+g.text(), every, every/2
			}
			if g.coin() {
				c.Deregister = &every
			}
			s.Checks = append(s.Checks, c)
		}
		if s.Connect {
			for range g.IntN(3) {
				s.Upstreams = append(s.Upstreams, consul.Upstream{Name: "u" + g.text(), Port: 1 + g.IntN(65535)})
			}
		}
		out = append(out, s)
	}
	return out
}

// forget drops the places.
func forget(s *consul.Service) {
	s.Node, s.Way = nil, nil
	for i := range s.Checks {
		s.Checks[i].Node, s.Checks[i].Way = nil, nil
	}
	for i := range s.Upstreams {
		s.Upstreams[i].Way = nil
	}
}

func architecture(g *gen) *calm.Architecture {
	a := &calm.Architecture{Schema: "https://calm.finos.org/release/1.2/meta/calm.json", ID: g.id(), Name: g.text(), Title: g.text(), Description: g.text(), Extra: extra(g)}
	var nodes, ways []string
	for range 2 + g.IntN(3) {
		n := calm.Node{ID: g.id(), Type: "service", Name: "n" + g.text(), Description: "d" + g.text(), Extra: extra(g)}
		if g.coin() {
			n.Metadata = calm.Metadata{"k" + g.text(): g.native(2)}
		}
		for range g.IntN(2) {
			n.Interfaces = append(n.Interfaces, calm.Interface{ID: g.id(), Definition: "https://example.com/i.json", Config: map[string]any{"k" + g.text(): g.native(1)}})
		}
		if g.coin() {
			n.Controls = map[string]calm.Control{"c": {Description: "d" + g.text(), Requirements: []calm.Requirement{{URL: "https://example.com", Config: map[string]any{"k": g.native(1)}}}}}
		}
		nodes = append(nodes, n.ID)
		a.Nodes = append(a.Nodes, n)
	}
	one := func() string { return nodes[g.IntN(len(nodes))] }
	for range 1 + g.IntN(3) {
		r := calm.Relationship{ID: g.id(), Description: g.text(), Extra: extra(g)}
		switch g.IntN(4) {
		case 0:
			r.Type.Connects, r.Protocol = &calm.Connects{Source: calm.End{Node: one()}, Destination: calm.End{Node: one()}}, "HTTPS"
		case 1:
			r.Type.Interacts = &calm.Interacts{Actor: one(), Nodes: []string{one()}}
		case 2:
			r.Type.DeployedIn = &calm.Container{Container: one(), Nodes: []string{one()}}
		default:
			r.Type.ComposedOf = &calm.Container{Container: one(), Nodes: []string{one()}}
		}
		ways = append(ways, r.ID)
		a.Relationships = append(a.Relationships, r)
	}
	for range g.IntN(2) {
		a.Flows = append(a.Flows, calm.Flow{ID: g.id(), Name: "f" + g.text(), Description: "d" + g.text(), Transitions: []calm.Transition{
			{Relationship: ways[0], Number: 1, Description: "d" + g.text()}, {Relationship: ways[len(ways)-1], Number: 2, Description: "d" + g.text(), Direction: "destination-to-source"}}})
	}
	return a
}

func extra(g *gen) calm.Extra {
	if g.coin() {
		return nil
	}
	return calm.Extra{"x-" + g.text(): g.native(2)}
}

func readCALM(b []byte) (*calm.Architecture, error) {
	a, faults := calm.Read(doc.Read("a.json", b, nil).Docs[0])
	return a, joined(faults)
}

func jaegerTraces(g *gen) []*jaeger.Trace {
	tags := func() (out []jaeger.Tag) {
		for range g.IntN(3) {
			x := jaeger.Tag{Key: g.text(), Type: []string{"string", "bool", "int64", "float64", "binary"}[g.IntN(5)]}
			switch x.Type {
			case "string":
				x.Value = g.text()
			case "bool":
				x.Value = strconv.FormatBool(g.coin())
			case "int64":
				x.Value = strconv.FormatInt(g.Int64()-g.Int64(), 10)
			case "float64":
				x.Value = strconv.FormatFloat(g.NormFloat64(), 'g', -1, 64)
			default:
				x.Value = base64.StdEncoding.EncodeToString([]byte(g.text()))
			}
			out = append(out, x)
		}
		return out
	}
	var out []*jaeger.Trace
	for range 1 + g.IntN(3) {
		t := &jaeger.Trace{ID: fmt.Sprintf("%x", g.Uint64()), Processes: map[string]jaeger.Process{"p1": {Service: "s" + g.text(), Tags: tags()}}}
		for range 1 + g.IntN(3) {
			s := jaeger.Span{TraceID: t.ID, SpanID: fmt.Sprintf("%x", g.Uint64()), Flags: g.Int64N(4), Operation: g.text(), Start: g.Int64N(1 << 52), Duration: g.Int64N(1 << 40), Tags: tags(), ProcessID: "p1"}
			for range g.IntN(2) {
				s.Logs = append(s.Logs, jaeger.Log{Timestamp: g.Int64N(1 << 52), Fields: tags()})
				s.References = append(s.References, jaeger.Reference{Type: jaeger.ChildOf, TraceID: t.ID, SpanID: fmt.Sprintf("%x", g.Uint64())})
				s.Warnings = append(s.Warnings, "w"+g.text())
			}
			t.Spans = append(t.Spans, s)
		}
		out = append(out, t)
	}
	return out
}

func writeJaeger(ts []*jaeger.Trace) ([]byte, error) {
	var b bytes.Buffer
	err := jaeger.Write(&b, slices.Values(ts))
	return b.Bytes(), err
}

func readJaeger(b []byte) (out []*jaeger.Trace, err error) {
	for t, err := range jaeger.Traces(bytes.NewReader(b), nil) {
		if err != nil {
			return nil, err
		}
		for _, f := range t.Faults {
			return nil, f
		}
		out = append(out, t)
	}
	return out, nil
}

// span is what of OTLP is compared: a resource's attributes with a span.
type span struct {
	Resource []otlp.KeyValue
	Span     otlp.Span
}

func resourceSpans(g *gen) []span {
	attributes := func() (out []otlp.KeyValue) {
		for range g.IntN(4) {
			v := []otlp.Value{otlp.StringValue(g.text()), otlp.IntValue(g.Int64() - g.Int64()), otlp.DoubleValue(g.NormFloat64()), otlp.BoolValue(g.coin()), {}, {Type: otlp.Bytes, Str: g.text()}}[g.IntN(6)]
			out = append(out, otlp.KeyValue{Key: "k" + g.text(), Value: v})
		}
		return out
	}
	var out []span
	for range 1 + g.IntN(3) {
		res := attributes()
		for range 1 + g.IntN(3) {
			s := otlp.Span{State: g.text(), Flags: g.Uint32(), Name: g.text(), Kind: otlp.Kind(g.IntN(6)), Start: g.Uint64(), End: g.Uint64(), Attributes: attributes(), Status: uint8(g.IntN(3)), Message: g.text()}
			for i := range s.TraceID {
				s.TraceID[i], s.SpanID[i/2], s.ParentID[i/2] = byte(1+g.IntN(255)), byte(1+g.IntN(255)), byte(g.IntN(2)*g.IntN(256))
			}
			out = append(out, span{res, s})
		}
	}
	return out
}

// writeOTLP writes both encodings, the length of the first before them.
func writeOTLP(all []span) ([]byte, error) {
	var rs []otlp.ResourceSpans
	for _, s := range all {
		rs = append(rs, otlp.ResourceSpans{Resource: otlp.Resource{Attributes: s.Resource}, Spans: []otlp.Span{s.Span}})
	}
	wire := otlp.AppendTraces(nil, rs)
	text, err := otlp.AppendJSON(nil, rs)
	return slices.Concat([]byte(strconv.Itoa(len(wire))+"\n"), wire, text), err
}

func readOTLP(b []byte) ([]span, error) {
	length, rest, _ := bytes.Cut(b, []byte("\n"))
	n, err := strconv.Atoi(string(length))
	if err != nil {
		return nil, err
	}
	clone := func(kvs []otlp.KeyValue) (out []otlp.KeyValue) {
		for _, kv := range kvs {
			kv.Key, kv.Value.Str = strings.Clone(kv.Key), strings.Clone(kv.Value.Str)
			out = append(out, kv)
		}
		return out
	}
	gather := func(into *[]span) otlp.Each {
		return func(r *otlp.Resource, s *otlp.Span) error {
			c := *s
			c.Name, c.State, c.Message, c.Attributes = strings.Clone(s.Name), strings.Clone(s.State), strings.Clone(s.Message), clone(s.Attributes)
			*into = append(*into, span{clone(r.Attributes), c})
			return nil
		}
	}
	var wire, text []span
	if err := new(otlp.Reader).Traces(rest[:n], gather(&wire)); err != nil {
		return nil, err
	}
	if err := otlp.JSON(bytes.NewReader(rest[n:]), gather(&text)); err != nil {
		return nil, err
	}
	if d := differ("protobuf beside JSON", reflect.ValueOf(wire), reflect.ValueOf(text)); d != "" {
		return nil, fmt.Errorf("%s", d)
	}
	return wire, nil
}

// workspace is what the DSL can say: an element's ID is its place in the list.
func workspace(g *gen) *structurizr.Workspace {
	word := func() string {
		s := g.text()
		if strings.ContainsAny(s, "\\\r\t\x01\x7f\ufeff") || strings.Contains(s, "${") { // what no text of the language can hold
			return "word"
		}
		return s
	}
	w := &structurizr.Workspace{Name: "w" + word(), Description: word()}
	var ends []string
	add := func(kind structurizr.Kind, parent string) string {
		e := structurizr.Element{ID: "e" + strconv.Itoa(len(w.Elements)), Kind: kind, Name: "n" + strconv.Itoa(len(w.Elements)), Parent: parent, Description: word()}
		if kind == structurizr.Container || kind == structurizr.Component {
			e.Technology = word()
		}
		if g.coin() {
			e.Tags = []string{"t1", "t 2"}
		}
		if g.coin() {
			e.Properties = map[string]string{"p": "v" + word()}
		}
		w.Elements = append(w.Elements, e)
		ends = append(ends, e.ID)
		return e.ID
	}
	add(structurizr.Person, "")
	for range 1 + g.IntN(3) {
		system := add(structurizr.SoftwareSystem, "")
		for range g.IntN(3) {
			container := add(structurizr.Container, system)
			for range g.IntN(2) {
				add(structurizr.Component, container)
			}
		}
	}
	said := map[string]bool{}
	for range g.IntN(5) {
		r := structurizr.Relationship{From: ends[g.IntN(len(ends))], To: ends[g.IntN(len(ends))], Description: word(), Technology: word()}
		if key := r.From + " " + r.To; r.From == r.To || said[key] || strings.HasPrefix(r.From, "e0") && r.To == "e0" {
			continue
		} else {
			said[key] = true
		}
		w.Relationships = append(w.Relationships, r)
	}
	return w
}

func writeDSL(w *structurizr.Workspace) ([]byte, error) { return w.DSL(), nil }

// readDSL gives elements their place in the list as ID, and no places in the file.
func readDSL(b []byte) (*structurizr.Workspace, error) {
	w, faults := structurizr.ReadDSL("w.dsl", b, nil)
	ids := map[string]string{}
	for i := range w.Elements {
		e := &w.Elements[i]
		ids[e.ID] = "e" + strconv.Itoa(i)
		e.ID, e.Parent, e.Pos = ids[e.ID], ids[e.Parent], doc.Pos{}
	}
	for i := range w.Relationships {
		r := &w.Relationships[i]
		r.From, r.To, r.Pos = ids[r.From], ids[r.To], doc.Pos{}
	}
	return w, joined(faults)
}

func syntaxTree(g *gen) *syntax.Tree {
	t := &syntax.Tree{Src: []byte("a\nbc\n" + g.text()), Kinds: []string{"file", "name", "call"}, Fields: []string{"", "left"}}
	n := uint32(1 + g.IntN(5))
	t.Nodes = append(t.Nodes, syntax.Raw{End: uint32(len(t.Src)), Line: 1, Next: n})
	for i := uint32(1); i < n; i++ {
		at := uint32(g.IntN(4))
		t.Nodes = append(t.Nodes, syntax.Raw{Kind: uint16(g.IntN(3)), Field: uint8(g.IntN(2)), Broken: g.coin(), Start: at, End: at + 1, Line: 1 + at/2, Next: i + 1})
	}
	return t
}

func zipkinSpans(g *gen) []zipkin.Span {
	var out []zipkin.Span
	side := func() zipkin.Endpoint {
		if g.coin() {
			return zipkin.Endpoint{}
		}
		return zipkin.Endpoint{ServiceName: g.text(), IPv4: "10.0.0.1", IPv6: "::1", Port: g.Int64N(65536)}
	}
	for range 1 + g.IntN(4) {
		s := zipkin.Span{TraceID: fmt.Sprintf("%032x", g.Uint64()), ID: fmt.Sprintf("%016x", g.Uint64()), Kind: []string{"", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"}[g.IntN(5)], Name: g.text(),
			Timestamp: g.Int64N(1 << 52), Duration: g.Int64N(1 << 40), Debug: g.coin(), Shared: g.coin(), LocalEndpoint: side(), RemoteEndpoint: side()}
		if g.coin() {
			s.ParentID = fmt.Sprintf("%016x", g.Uint64())
		}
		for range g.IntN(3) {
			s.Annotations = append(s.Annotations, zipkin.Annotation{Timestamp: g.Int64N(1 << 52), Value: g.text()})
		}
		g.fill(reflect.ValueOf(&s.Tags).Elem(), 1)
		out = append(out, s)
	}
	return out
}

func readZipkin(b []byte) (out []zipkin.Span, err error) {
	var fault error
	err = zipkin.Read(bytes.NewReader(b), nil, zipkin.Handler{
		Span: func(s *zipkin.Span) error {
			c := *s
			c.Annotations, c.Tags = slices.Clone(s.Annotations), map[string]string{}
			for k, v := range s.Tags {
				c.Tags[k] = v
			}
			out = append(out, c)
			return nil
		},
		Fault: func(f *jsonstream.Fault) { fault = f },
	})
	if err == nil {
		err = fault
	}
	return out, err
}
