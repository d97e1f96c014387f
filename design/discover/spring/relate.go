package spring

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/compose"
	"github.com/ashlar-dev/ashlar/formats/jvmbuild"
	"github.com/ashlar-dev/ashlar/formats/spring"
)

// app is an application: a module with settings of its own.
type app struct {
	module string
	name   string // spring.application.name, or the module's folder
	named  bool   // by spring.application.name
	ref    arch.Ref
	why    string // it is ref, where the names differ
	at     arch.Source
	list   []spring.Setting // in the order in which later ones win
	libs   []string         // that it is built with; nil when no build file was read
}

// Application is what the settings make of a module, for sources that read its
// code.
type Application struct {
	Module string // folder
	Name   string
	Ref    arch.Ref
	List   []spring.Setting // in the order in which later ones win
	Libs   []string         // that it is built with; nil when no build file was read
}

// Get returns a setting with its placeholders replaced.
func (a *Application) Get(key string) (string, bool) {
	x, ok := spring.Settings{List: a.List}.Get(key)
	if !ok {
		return "", false
	}
	return spring.Expand(x.Value, a.raw), true
}

func (a *Application) raw(key string) (string, bool) {
	x, ok := spring.Settings{List: a.List}.Get(key)
	return x.Value, ok
}

func (a *app) get(key string) (string, bool) {
	x, ok := spring.Settings{List: a.list}.Get(key)
	return x.Value, ok
}

// deployed are profiles that speak of a deployment rather than of a laptop.
var deployed = []string{"docker", "container", "compose", "kubernetes", "k8s", "cloud", "prod", "production", "openshift"}

func holds(profiles []string) bool {
	return len(profiles) == 0 || slices.ContainsFunc(profiles, func(p string) bool { return slices.Contains(deployed, p) })
}

// Relate makes services of applications and calls of what their settings name.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	files := discover.Of[*file](ev.Documents)
	apps := applications(files)
	central(files, apps)
	built(ev, apps)
	apps = append(apps, mounted(ev, files)...)
	if len(apps) == 0 {
		return nil
	}
	var of []arch.Ref
	for _, a := range apps {
		if a.ref == "" {
			place(ev, a)
		}
		of = append(of, a.ref)
		if a.ref.Kind() == arch.KindService {
			ev.Hosts.Add(strings.ToLower(a.name), "spring", a.ref)
		}
	}
	for _, a := range apps {
		emit(ev, out, a)
		out.Document(discover.Document{Kind: "spring application", Name: a.name, Path: a.at.File, Value: &Application{Module: a.module, Name: a.name, Ref: a.ref, List: a.list, Libs: a.libs}})
	}
	slices.Sort(of)
	out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	return nil
}

// applications gathers the modules' own files, those that always hold before
// those of a profile.
func applications(files []discover.Typed[*file]) []*app {
	by := map[string]*app{}
	for _, late := range []bool{false, true} {
		for _, f := range files {
			if f.V.module == "" {
				continue
			}
			a := by[f.V.module]
			if a == nil {
				a = &app{module: f.V.module, at: arch.Source{Origin: arch.Config, By: Name, File: f.Path, Line: 1}}
				by[f.V.module] = a
			}
			for _, s := range f.V.settings {
				profiles := s.Profiles
				if f.V.profile != "" {
					profiles = append(slices.Clone(profiles), f.V.profile)
				}
				if holds(profiles) && (len(profiles) > 0) == late {
					a.list = append(a.list, s.List...)
				}
			}
		}
	}
	var apps []*app
	for _, m := range arch.Sorted(by) {
		a := by[m]
		if !ours(a.list) {
			continue
		}
		a.name = path.Base(m)
		if x, ok := (spring.Settings{List: a.list}).Get("spring.application.name"); ok {
			if v := spring.Expand(x.Value, a.get); v != "" && !strings.Contains(v, "${") {
				a.name, a.named = v, true
				a.at = arch.Source{Origin: arch.Config, By: Name, File: x.Pos.File, Line: x.Pos.Line, Col: x.Pos.Col}
			}
		}
		apps = append(apps, a)
	}
	return apps
}

// ours: settings of something else have none of Spring's own keys.
func ours(list []spring.Setting) bool {
	return slices.ContainsFunc(list, func(s spring.Setting) bool {
		for _, p := range []string{"spring.", "server.", "eureka.", "zuul.", "management.", "ribbon.", "info.", "logging."} {
			if strings.HasPrefix(s.Key, p) {
				return true
			}
		}
		return false
	})
}

// mounted makes applications of the services whose pods read a ConfigMap with
// settings in it; as Spring Cloud Kubernetes has it, one that is called as a
// service is that service's, mounted or not.
func mounted(ev *discover.Evidence, files []discover.Typed[*file]) []*app {
	by := map[arch.Ref]*app{}
	for _, f := range files {
		if f.Within == "" {
			continue
		}
		refs := ev.Holders[f.Within]
		if kind, name, _ := strings.Cut(f.Within, " "); len(refs) == 0 && kind == "ConfigMap" {
			if ref := arch.NewRef(arch.KindService, path.Base(name)); ev.System.Has(ref) {
				refs = []arch.Ref{ref}
			}
		}
		for _, ref := range refs {
			for _, s := range f.V.settings {
				if ref.Kind() != arch.KindService || len(s.List) == 0 || !holds(s.Profiles) {
					continue
				}
				if by[ref] == nil {
					p := s.List[0].Pos
					by[ref] = &app{module: f.Within, name: ref.Name(), ref: ref, at: arch.Source{Origin: arch.Config, By: Name, File: p.File, Line: p.Line, Col: p.Col, Via: f.Via}}
				}
				by[ref].list = append(by[ref].list, s.List...)
			}
		}
	}
	var out []*app
	for _, ref := range arch.Sorted(by) {
		if ours(by[ref].list) {
			out = append(out, by[ref])
		}
	}
	return out
}

// built adds the libraries of each application.
func built(ev *discover.Evidence, apps []*app) {
	var all []*jvmbuild.Build
	for _, d := range discover.Of[*jvmbuild.Build](ev.Documents) {
		all = append(all, d.V)
	}
	for _, a := range apps {
		for _, b := range all {
			if b.Dir == a.module {
				a.libs = append(a.libs, jvmbuild.Effective(b, all)...)
			}
		}
	}
}

// needed are settings that mean something only to who has one of the libraries:
// a configuration that several applications share names hosts that some of them
// never call.
var needed = []struct {
	keys, libs []string
}{
	{[]string{"spring.rabbitmq."}, []string{"amqp", "rabbit", "bus", "stream", "messaging"}},
	{[]string{"spring.kafka."}, []string{"kafka", "bus", "stream"}},
	{[]string{"eureka.client."}, []string{"eureka", "netflix", "discovery"}},
	{[]string{"security.oauth2.", "spring.security.oauth2."}, []string{"oauth", "security"}},
	{[]string{"spring.zipkin."}, []string{"zipkin", "sleuth", "tracing"}},
}

// means reports whether the application heeds a setting.
func (a *app) means(key string) bool {
	k := spring.Relaxed(key)
	for _, n := range needed {
		if !slices.ContainsFunc(n.keys, func(p string) bool { return strings.HasPrefix(k, p) }) || len(a.libs) == 0 {
			continue
		}
		return slices.ContainsFunc(a.libs, func(l string) bool {
			return slices.ContainsFunc(n.libs, func(w string) bool { return strings.Contains(l, w) })
		})
	}
	return true
}

// central adds what a config server holds: a folder with a file named after an
// application; application.yml there is for all.
func central(files []discover.Typed[*file], apps []*app) {
	byName := map[string]*app{}
	for _, a := range apps {
		byName[strings.ToLower(a.name)] = a
	}
	split := func(f *file) (*app, string) {
		name := strings.ToLower(f.app)
		for {
			if a := byName[name]; a != nil {
				return a, strings.TrimPrefix(strings.ToLower(f.app)[len(name):], "-")
			}
			i := strings.LastIndexByte(name, '-')
			if i < 0 {
				return nil, ""
			}
			name = name[:i]
		}
	}
	folders := map[string]bool{}
	for _, f := range files {
		if f.V.module == "" && f.Within == "" {
			if a, _ := split(f.V); a != nil {
				folders[f.V.folder] = true
			}
		}
	}
	for _, f := range files {
		if f.V.module != "" || f.Within != "" || !folders[f.V.folder] {
			continue
		}
		a, profile := split(f.V)
		for _, s := range f.V.settings {
			if !holds(s.Profiles) || profile != "" && !holds([]string{profile}) {
				continue
			}
			switch {
			case a != nil:
				a.list = append(a.list, s.List...)
			case strings.HasPrefix(f.V.app, "application"):
				for _, x := range apps {
					if server, _ := x.get("spring.cloud.config.server.native.search-locations"); server == "" {
						x.list = append(slices.Clone(s.List), x.list...)
					}
				}
			}
		}
	}
}

// place finds the element that an application is: the compose service that is
// built from its folder, or the element of its name.
func place(ev *discover.Evidence, a *app) {
	for _, f := range discover.Of[*compose.File](ev.Documents) {
		for _, s := range f.V.Services {
			image := s.Image[strings.LastIndexByte(s.Image, '/')+1:]
			image, _, _ = strings.Cut(image, ":")
			switch {
			case s.Build != "" && path.Clean(path.Join(path.Dir(f.Path), s.Build)) == path.Clean(a.module):
				a.why = fmt.Sprintf("%s is built from %s", s.Name, a.module)
			case image != "" && (image == a.name || image == path.Base(a.module) || strings.HasSuffix(image, "-"+a.name) || strings.HasSuffix(image, "-"+path.Base(a.module))):
				a.why = fmt.Sprintf("the image of %s is called as the application %s", s.Name, a.name)
			default:
				continue
			}
			a.ref = arch.NewRef(arch.KindService, s.Name)
			return
		}
	}
	for _, name := range []string{a.name, path.Base(a.module)} {
		if ref, ok := ev.Hosts.Resolve(name, ""); ok && ref.Kind() == arch.KindService {
			a.ref = ref
			a.why = fmt.Sprintf("the application %s answers to the name %s", a.name, name)
			return
		}
	}
	a.ref = arch.NewRef(arch.KindService, strings.ToLower(a.name))
}

func emit(ev *discover.Evidence, out discover.Sink, a *app) {
	places := map[arch.Fact]arch.Source{}
	svc := arch.Service{Lang: "java", Role: role(a), Uses: map[string]arch.Call{}}
	for _, n := range []string{a.name, path.Base(a.module)} {
		if n != a.ref.Name() && !slices.Contains(svc.Aliases, n) {
			svc.Aliases = append(svc.Aliases, n)
		}
	}
	slices.Sort(svc.Aliases)
	if a.why != "" {
		src := a.at
		src.Reason = a.why
		places[arch.Fact{Of: a.ref}] = src
	}
	add := func(to arch.Ref, protocol string, s spring.Setting) {
		id := arch.CallID(to, 1)
		if _, seen := svc.Uses[id]; seen || to == a.ref {
			return
		}
		svc.Uses[id] = arch.Call{To: to, Protocol: protocol, Why: "setting " + s.Key}
		e := arch.Edge{From: a.ref, ID: id}
		src := arch.Source{Origin: arch.Config, By: Name, File: s.Pos.File, Line: s.Pos.Line, Col: s.Pos.Col}
		for _, f := range []arch.Fact{e.At(), e.At("to"), e.At("why"), e.At("protocol")} {
			places[f] = src
		}
		if to.Kind() == arch.KindExternal {
			x := arch.System{Externals: map[string]arch.External{to.Name(): {Host: to.Name()}}}
			x.Attest(src)
			out.System(x)
		}
	}
	for _, s := range effective(a.list) {
		s.Value = spring.Expand(s.Value, a.get)
		if to, ok := byServiceName(ev, s); ok {
			add(to, "http", s)
			continue
		}
		if skipped(s.Key) || !a.means(s.Key) {
			continue
		}
		if to, ep, ok := ev.Hosts.Target(snake(s.Key), s.Value, "spring"); ok && (to.Kind() != arch.KindService || ev.System.Has(to) || strings.Contains(s.Value, ":")) {
			add(to, discover.ProtocolOf(ep.Scheme, "", ep.Port), s)
		}
	}
	sys := arch.System{Services: map[string]arch.Service{a.ref.Name(): svc}}
	sys.Locate(places)
	sys.Attest(a.at)
	out.System(sys)
}

// effective keeps the last value of each key, in a fixed order.
func effective(list []spring.Setting) []spring.Setting {
	last := map[string]spring.Setting{}
	for _, s := range list {
		last[spring.Relaxed(s.Key)] = s
	}
	out := make([]spring.Setting, 0, len(last))
	for _, k := range arch.Sorted(last) {
		out = append(out, last[k])
	}
	return out
}

// byServiceName: settings that name a service of the registry instead of a host:
// Zuul's and Gateway's routes, the config server by discovery.
func byServiceName(ev *discover.Evidence, s spring.Setting) (arch.Ref, bool) {
	k := spring.Relaxed(s.Key)
	name := ""
	switch {
	case strings.HasPrefix(k, "zuul.routes.") && strings.HasSuffix(k, ".serviceid"), k == "spring.cloud.config.discovery.serviceid":
		name = s.Value
	case strings.HasPrefix(k, "zuul.routes.") && (strings.HasSuffix(k, ".path") || strings.Count(k, ".") == 2): // the route's name is the service's, unless it says otherwise
		name = strings.Split(s.Key, ".")[2]
	case strings.HasPrefix(k, "spring.cloud.gateway") && strings.HasSuffix(k, ".uri") && strings.HasPrefix(s.Value, "lb://"):
		name = strings.TrimPrefix(s.Value, "lb://")
	default:
		return "", false
	}
	return ev.Hosts.Resolve(name, "spring")
}

// skipped are keys whose host is the application's own or no call.
func skipped(key string) bool {
	k := spring.Relaxed(key)
	for _, p := range []string{"eureka.instance.", "server.", "management.", "info.", "logging.", "spring.profiles", "spring.application."} {
		if strings.HasPrefix(k, p) {
			return true
		}
	}
	return strings.Contains(k, "redirecturi") || strings.Contains(k, "schemalocation")
}

func role(a *app) string {
	has := func(prefix string) bool {
		return slices.ContainsFunc(a.list, func(s spring.Setting) bool { return strings.HasPrefix(spring.Relaxed(s.Key), prefix) })
	}
	register, _ := a.get("eureka.client.register-with-eureka")
	fetch, _ := a.get("eureka.client.fetch-registry")
	switch {
	case has("spring.cloud.config.server."):
		return arch.RoleConfig
	case register == "false" && fetch == "false":
		return arch.RoleRegistry
	case has("zuul.") || has("spring.cloud.gateway."):
		return arch.RoleGateway
	}
	return discover.Classify("", a.ref.Name()).Role
}

// snake writes the last parts of a key as variables are: userInfoUri is
// user_info_uri.
func snake(key string) string {
	var b strings.Builder
	for i, r := range key {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
