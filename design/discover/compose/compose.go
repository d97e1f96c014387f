// Package compose discovers services, stores and the network names that their
// variables hold, from compose files.
package compose

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/compose"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// Name of the source, as it stands in the ledger.
const Name = "compose"

// Source reads compose files.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes YAML that names services among its first bytes, or is called a
// compose file.
func (*Source) Match(h discover.Head) bool {
	return h.YAML() && (h.Has("services:", "image:", "build:") || strings.Contains(h.Base, "compose"))
}

// maxEnv bounds an env file.
const maxEnv = 1 << 20

// Read puts out the file.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if !compose.Is(d.Root) || d.Root.Get("services") == nil && !strings.Contains(in.Base, "compose") {
			continue
		}
		cf := compose.Read(d, env(in, ".env"))
		for i := range cf.Services {
			for _, name := range cf.Services[i].EnvFiles {
				cf.Services[i].Environment = append(fileVariables(in, name), cf.Services[i].Environment...)
			}
		}
		out.Document(discover.Document{Doc: d, Node: d.Root, Kind: "compose file", Name: in.Path, Value: cf, Faults: cf.Faults})
	}
	if len(f.Docs) == 0 && len(f.Faults) > 0 && strings.Contains(in.Base, "compose") {
		return f.Faults[0]
	}
	return nil
}

// env reads an env file beside the compose file; one that is not there is empty.
func env(in *discover.Input, name string) map[string]string {
	if in.Root == nil {
		return map[string]string{}
	}
	p := path.Join(path.Dir(in.Rel), name)
	fi, err := fs.Stat(in.Root, p)
	if err != nil || fi.Size() > maxEnv {
		return map[string]string{}
	}
	b, err := fs.ReadFile(in.Root, p)
	if err != nil {
		return map[string]string{}
	}
	return compose.ReadEnv(b)
}

func fileVariables(in *discover.Input, name string) []compose.Variable {
	m := env(in, name)
	var out []compose.Variable
	for _, k := range arch.Sorted(m) {
		out = append(out, compose.Variable{Name: k, Value: m[k]})
	}
	return out
}

// service is a service with the element that it is.
type service struct {
	compose.Service
	file discover.Typed[*compose.File]
	ref  arch.Ref
	cls  discover.Class
}

// Relate says which service is what and who names whom. Files of one folder
// speak of one network.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	var all []*service
	for _, f := range discover.Of[*compose.File](ev.Documents) {
		net := network(f)
		for _, s := range f.V.Services {
			image := s.Image
			x := &service{Service: s, file: f, cls: discover.Classify(image, s.Name)}
			kind := arch.KindService
			if x.cls.Store != "" {
				kind = arch.KindStore
			}
			x.ref = arch.NewRef(kind, s.Name)
			if ref, ok := ev.Hosts.Resolve(s.Name, net); ok && image == "" && s.Build == "" {
				x.ref = ref // an override of a service that another file describes
			}
			all = append(all, x)
			for _, name := range append([]string{s.Name, s.Hostname, s.ContainerName}, s.Aliases...) {
				if name != "" {
					ev.Hosts.Add(strings.ToLower(name), net, x.ref)
				}
			}
		}
	}
	var of []arch.Ref
	environment := environment(ev)
	for _, s := range all {
		emit(ev, out, s, environment)
		of = append(of, s.ref)
	}
	if len(all) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

func network(f discover.Typed[*compose.File]) string { return "compose:" + path.Dir(f.Path) }

func deployedImage(s arch.System, ref arch.Ref) string {
	if ref.Kind() == arch.KindStore {
		return s.Stores[ref.Name()].Run.Image
	}
	return s.Services[ref.Name()].Run.Image
}

// Environment is what deployments by compose are called beside those by manifests
// of a cluster: one does not contradict the other.
const Environment = "compose"

func environment(ev *discover.Evidence) string {
	for _, o := range discover.Of[*kubernetes.Object](ev.Documents) {
		if w, ok := o.V.AsWorkload(); ok && w.Pod != nil {
			return Environment
		}
	}
	return ev.Environment
}

func emit(ev *discover.Evidence, out discover.Sink, s *service, environment string) {
	in := s.file.Document
	at := func(line, col int, reason string) arch.Source {
		return arch.Source{Origin: arch.Config, By: Name, File: in.Path, Line: line, Col: col, Reason: reason}
	}
	here := at(s.Key.Line, s.Key.Col, "")
	places := map[arch.Fact]arch.Source{}
	run := arch.Run{Image: s.Image, Ports: ports(s.Ports)}
	if s.Build != "" {
		run.Package = path.Join(path.Dir(in.Path), s.Build)
	}
	if environment == Environment && deployedImage(ev.System, s.ref) != "" {
		run.Image = "" // the image of this environment alone
	} else if n := s.Node.Get("image"); n != nil {
		places[arch.Fact{Of: s.ref, At: "/run/image"}] = at(n.Line, n.Col, "")
	}
	var sys arch.System
	if s.ref.Kind() == arch.KindStore {
		sys.Stores = map[string]arch.Store{s.ref.Name(): {Kind: s.cls.Store, Run: run}}
		places[arch.Fact{Of: s.ref, At: "/kind"}] = at(here.Line, here.Col, s.cls.Why)
	} else {
		svc := arch.Service{Role: s.cls.Role, Run: run, Uses: map[string]arch.Call{}}
		if s.cls.Role != "" {
			places[arch.Fact{Of: s.ref, At: "/role"}] = at(here.Line, here.Col, s.cls.Why)
		}
		uses(ev, out, s, svc.Uses, places)
		sys.Services = map[string]arch.Service{s.ref.Name(): svc}
	}
	d := arch.Deployment{Of: s.ref, Kind: "compose"}
	of := arch.DeploymentRef(environment, s.ref.Name())
	d.Replicas = arch.Some(max(1, s.Replicas))
	if s.Replicas == 0 {
		places[arch.Fact{Of: of, At: "/replicas"}] = at(here.Line, here.Col, "one container where deploy.replicas is not given")
	}
	if h := s.Healthcheck; h != nil {
		d.Probes = map[string]string{"healthcheck": "test of the compose file"}
		places[arch.Fact{Of: of, At: "/probes/healthcheck"}] = at(h.Line, h.Col, "")
	}
	sys.Deployments = map[string]arch.Deployment{arch.DeploymentKey(environment, s.ref.Name()): d}
	sys.Locate(places)
	sys.Attest(here)
	out.System(sys)
}

// uses are the calls that variables and commands give away. depends_on only says
// what starts first, so it counts where the target is a store, a broker or a
// registry that the service cannot do without, and no variable names it.
func uses(ev *discover.Evidence, out discover.Sink, s *service, calls map[string]arch.Call, places map[arch.Fact]arch.Source) {
	add := func(to arch.Ref, why, protocol string, src arch.Source) {
		id := arch.CallID(to, 1)
		if c, seen := calls[id]; seen {
			if !strings.Contains(c.Why, why) {
				c.Why += ", " + strings.TrimPrefix(why, "variable ")
				calls[id] = c
			}
			return
		}
		calls[id] = arch.Call{To: to, Why: why, Protocol: protocol}
		e := arch.Edge{From: s.ref, ID: id}
		for _, f := range []arch.Fact{e.At(), e.At("to"), e.At("why"), e.At("protocol")} {
			places[f] = src
		}
		if to.Kind() == arch.KindExternal {
			x := arch.System{Externals: map[string]arch.External{to.Name(): {Host: to.Name()}}}
			x.Attest(src)
			out.System(x)
		}
	}
	net := network(s.file)
	for _, v := range s.Environment {
		to, ep, ok := ev.Hosts.Target(v.Name, v.Value, net)
		why, origin := "variable "+v.Name, arch.Config
		if !ok && v.Value == "" {
			to, ok = byName(ev, s, v.Name, net)
			why, origin = why+" by its name, its value is not known here", arch.Guess
		}
		if !ok || to == s.ref {
			continue
		}
		src := arch.Source{Origin: origin, By: Name, File: s.file.Path, Line: s.Key.Line, Col: s.Key.Col}
		if v.Node != nil {
			src.Line, src.Col = v.Node.Line, v.Node.Col
		}
		add(to, why, discover.ProtocolOf(ep.Scheme, "", ep.Port), src)
	}
	if to, at, ok := logsTo(ev, s, net); ok {
		add(to, "logging", "", arch.Source{Origin: arch.Config, By: Name, File: s.file.Path, Line: at.Line, Col: at.Col})
	}
	if to, ok := ev.Hosts.Resolve("elasticsearch", net); ok && discover.ImageBase(s.Image) == "kibana" {
		if _, said := calls[arch.CallID(to, 1)]; !said {
			add(to, "default of the image", "http", arch.Source{Origin: arch.Guess, By: Name, File: s.file.Path, Line: s.Key.Line, Col: s.Key.Col, Reason: "Kibana's image asks http://elasticsearch:9200 unless told otherwise"})
		}
	}
	for _, l := range s.Links {
		if to, ok := ev.Hosts.Resolve(l, net); ok && to != s.ref {
			n := s.Node.Get("links")
			add(to, "links", "", arch.Source{Origin: arch.Config, By: Name, File: s.file.Path, Line: n.Line, Col: n.Col})
		}
	}
}

// logsTo is where the logging driver sends what the service prints. The driver
// runs on the host, so an address of the host is that of who publishes the port.
func logsTo(ev *discover.Evidence, s *service, net string) (arch.Ref, *doc.Node, bool) {
	n := s.Node.Find("logging", "options")
	if n == nil {
		return "", nil, false
	}
	for _, e := range n.Entries {
		if !strings.HasSuffix(e.Key.Text, "-address") {
			continue
		}
		ep, ok := discover.ParseEndpoint(e.Value.Text)
		if !ok {
			continue
		}
		if ep.Host != "localhost" && ep.Host != "127.0.0.1" {
			to, ok := ev.Hosts.Resolve(ep.Host, net)
			return to, e.Value, ok && to != s.ref
		}
		for _, o := range s.file.V.Services {
			for _, p := range o.Ports {
				outer, _, _ := strings.Cut(p, "/")
				if i := strings.LastIndexByte(outer, ':'); i >= 0 {
					outer = outer[:i]
				}
				if outer[strings.LastIndexByte(outer, ':')+1:] == ep.Port {
					to, ok := ev.Hosts.Resolve(o.Name, net)
					return to, e.Value, ok && to != s.ref
				}
			}
		}
	}
	return "", nil, false
}

// byName guesses the target of a variable that is passed in from outside:
// CART_ADDR is cart's, and VALKEY_ADDR that of the only service beginning with
// valkey that this one depends on.
func byName(ev *discover.Evidence, s *service, variable, net string) (arch.Ref, bool) {
	name, ok := discover.PlaceOwner(variable)
	if !ok {
		return "", false
	}
	if to, ok := ev.Hosts.Resolve(name, net); ok {
		return to, true
	}
	var hit []string
	for _, d := range s.DependsOn {
		if strings.HasPrefix(d, name+"-") {
			hit = append(hit, d)
		}
	}
	if len(hit) != 1 {
		return "", false
	}
	return ev.Hosts.Resolve(hit[0], net)
}

func ports(ps []string) map[string]int {
	m := map[string]int{}
	for _, p := range ps {
		p, _, _ = strings.Cut(p, "/")
		if _, port, err := net.SplitHostPort(p); err == nil {
			p = port
		} else if i := strings.LastIndexByte(p, ':'); i >= 0 {
			p = p[i+1:]
		}
		if n, err := strconv.Atoi(p); err == nil && n > 0 && n < 65536 {
			m[fmt.Sprint(n)] = n
		}
	}
	return m
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
