package treesource

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/spring"
)

// roles are what an annotation makes of an application.
var roles = map[string]string{
	"EnableEurekaServer": arch.RoleRegistry, "EnableConfigServer": arch.RoleConfig, "EnableZuulProxy": arch.RoleGateway, "EnableZuulServer": arch.RoleGateway, "EnableAuthorizationServer": arch.RoleIdentity,
	"EnableHystrixDashboard": arch.RoleTelemetry, "EnableTurbine": arch.RoleTelemetry, "EnableTurbineStream": arch.RoleTelemetry, "EnableTurbineAmqp": arch.RoleTelemetry, "EnableAdminServer": arch.RoleTelemetry, "EnableZipkinServer": arch.RoleTelemetry, "EnableZipkinStreamServer": arch.RoleTelemetry,
}

// reliance is a library or an annotation that makes an application call one of
// the helpers on its own.
type reliance struct {
	libs  []string // parts of artifacts' names, one of them
	not   []string // unless the artifact has one of these
	marks []string // annotations, one of them
	on    func(e *emitter) arch.Ref
	prot  string
	why   string
}

var reliances = []reliance{
	{[]string{"eureka"}, []string{"eureka-server"}, []string{"EnableEurekaClient"}, func(e *emitter) arch.Ref { return e.sole("eureka", "EnableEurekaServer") }, "http", "registers with Eureka"},
	{nil, nil, []string{"EnableDiscoveryClient"}, func(e *emitter) arch.Ref { return e.sole("", "EnableEurekaServer") }, "http", "registers with Eureka"},
	{[]string{"starter-config", "config-client"}, []string{"config-server"}, nil, func(e *emitter) arch.Ref { return e.sole("", "EnableConfigServer") }, "http", "fetches its settings"},
	{[]string{"zipkin"}, []string{"zipkin-server", "zipkin-stream", "zipkin-autoconfigure"}, nil, func(e *emitter) arch.Ref { return e.sole("zipkin", "EnableZipkinServer", "EnableZipkinStreamServer") }, "http", "sends its spans"},
	{[]string{"hystrix-amqp", "turbine-amqp", "stream-rabbit", "binder-rabbit"}, nil, []string{"EnableTurbineAmqp"}, func(e *emitter) arch.Ref { return e.sole("rabbit") }, "amqp", "sends through RabbitMQ"},
	{[]string{"stream-kafka", "binder-kafka"}, nil, nil, func(e *emitter) arch.Ref { return e.sole("kafka") }, "kafka", "sends through Kafka"},
	{nil, nil, []string{"EnableResourceServer", "EnableOAuth2Sso", "EnableOAuth2Client"}, func(e *emitter) arch.Ref { return e.sole("", "EnableAuthorizationServer") }, "http", "has tokens checked"},
	{nil, nil, []string{"EnableHystrixDashboard"}, func(e *emitter) arch.Ref {
		return e.sole("", "EnableTurbine", "EnableTurbineStream", "EnableTurbineAmqp")
	}, "http", "shows what Turbine gathers"},
}

// infrastructure adds the calls that libraries make on their own, and what
// logging sends. A reliance counts where there is exactly one that it can mean;
// it is a guess where no setting names the host.
func (e *emitter) infrastructure() {
	for _, m := range e.ms.list {
		if m.ref == "" || m.ref.Kind() != arch.KindService {
			continue
		}
		for mark, p := range e.f.Enabled[m.name] {
			if role := roles[mark]; role != "" && e.ev.System.Services[m.ref.Name()].Role == "" {
				e.service(m.ref, arch.Service{Role: role}, e.source(p, "@"+mark))
			}
		}
		for i := range reliances {
			e.rely(m, &reliances[i])
		}
		e.zuul(m)
	}
	e.logging()
}

func (e *emitter) rely(m *module, r *reliance) {
	p, why := code.Pos{}, ""
	for _, mark := range r.marks {
		if at, ok := e.f.Enabled[m.name][mark]; ok {
			p, why = at, "@"+mark+" "+r.why
		}
	}
	if why == "" {
		i := slices.IndexFunc(m.libs, func(l string) bool {
			in := func(w string) bool { return strings.Contains(l, w) }
			return slices.ContainsFunc(r.libs, in) && !slices.ContainsFunc(r.not, in)
		})
		if i < 0 {
			return
		}
		p, why = code.Pos{File: m.dir, Line: 0}, m.libs[i]+" "+r.why
		if m.build != nil {
			p.File = m.dir + "/pom.xml"
			if m.build.Gradle {
				p.File = m.dir + "/build.gradle"
			}
		}
	}
	to := r.on(e)
	if to == "" || to == m.ref || e.off(m, r) {
		return
	}
	e.uses(m, to, r.prot, why, p)
}

// off: the settings turn it off.
func (e *emitter) off(m *module, r *reliance) bool {
	if m.app == nil {
		return false
	}
	is := func(key, value string) bool { v, ok := m.app.Get(key); return ok && v == value }
	switch {
	case strings.Contains(r.why, "Eureka"):
		return is("eureka.client.enabled", "false") || is("eureka.client.register-with-eureka", "false") && is("eureka.client.fetch-registry", "false")
	case r.why == "fetches its settings":
		return is("spring.cloud.config.enabled", "false")
	case r.why == "sends its spans":
		return is("spring.zipkin.enabled", "false")
	}
	return false
}

// uses puts out a call that is known by its reason alone, unless a stronger
// witness has it.
func (e *emitter) uses(m *module, to arch.Ref, protocol, why string, p code.Pos) {
	if _, said := e.ev.System.Services[m.ref.Name()].Uses[arch.CallID(to, 1)]; said {
		return
	}
	src := e.source(p, why)
	src.Origin = arch.Guess
	e.service(m.ref, arch.Service{Uses: map[string]arch.Call{arch.CallID(to, 1): {To: to, Protocol: protocol, Why: why}}}, src)
}

// sole is the only service that bears one of the annotations, or else the only
// one whose name or image speaks of word.
func (e *emitter) sole(word string, marks ...string) arch.Ref {
	found := map[arch.Ref]bool{}
	for _, m := range e.ms.list {
		for _, mark := range marks {
			if _, ok := e.f.Enabled[m.name][mark]; ok && m.ref != "" {
				found[m.ref] = true
			}
		}
	}
	if len(found) == 0 && word != "" {
		for name, s := range e.ev.System.Services {
			if image := discover.ImageBase(s.Run.Image); strings.Contains(strings.ToLower(name), word) || strings.Contains(strings.ToLower(image), word) {
				found[arch.NewRef(arch.KindService, name)] = true
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return arch.Sorted(found)[0]
}

// zuul: a proxy without settings to the contrary leads to every service of the
// registry.
func (e *emitter) zuul(m *module) {
	p, ok := e.f.Enabled[m.name]["EnableZuulProxy"]
	if !ok {
		return
	}
	if m.app != nil {
		if v, ok := m.app.Get("zuul.ignored-services"); ok && v != "" {
			return
		}
		if slices.ContainsFunc(m.app.List, func(s spring.Setting) bool { return strings.HasPrefix(spring.Relaxed(s.Key), "zuul.routes.") }) {
			return // who lists routes means these
		}
	}
	for _, o := range e.ms.list {
		if o == m || o.ref == "" || o.ref == m.ref || o.ref.Kind() != arch.KindService || e.helper(o) {
			continue
		}
		if !e.registered(o) {
			continue
		}
		e.uses(m, o.ref, "http", "Zuul routes to every registered service unless its settings say otherwise", p)
	}
}

func (e *emitter) registered(m *module) bool {
	_, a := e.f.Enabled[m.name]["EnableEurekaClient"]
	_, b := e.f.Enabled[m.name]["EnableDiscoveryClient"]
	return a || b || slices.ContainsFunc(m.libs, func(l string) bool {
		return strings.Contains(l, "eureka") && !strings.Contains(l, "server") || strings.Contains(l, "discovery")
	})
}

// helper: not a service of the domain.
func (e *emitter) helper(m *module) bool {
	for mark := range e.f.Enabled[m.name] {
		if r := roles[mark]; r != "" && r != arch.RoleIdentity {
			return true
		}
	}
	return arch.Infrastructure(e.ev.System.Services[m.ref.Name()].Role)
}

// logging: where logs go, from the configuration of logback and of logstash.
func (e *emitter) logging() {
	for _, d := range discover.Of[*appenders](e.ev.Documents) {
		ep, ok := discover.ParseEndpoint(d.V.host)
		if !ok {
			continue
		}
		m := e.ms.of(d.Path)
		from := m.ref
		if strings.Contains(strings.ToLower(d.Path), "logstash") && !strings.HasSuffix(d.Path, ".xml") {
			from = e.sole("logstash")
		}
		to, ok := e.resolve(ep.Host)
		if from == "" || !ok || to == from || from.Kind() != arch.KindService {
			continue
		}
		e.service(from, arch.Service{Uses: map[string]arch.Call{arch.CallID(to, 1): {To: to, Protocol: discover.ProtocolOf(ep.Scheme, "", ep.Port), Why: "logging"}}}, arch.Source{Origin: arch.Config, By: Name, File: d.V.pos.File, Line: d.V.pos.Line, Col: d.V.pos.Col})
	}
}

// resolve finds a host by any source's name for it: first in the whole, then in
// the networks of compose files.
func (e *emitter) resolve(host string) (arch.Ref, bool) {
	if ref, ok := e.ev.Hosts.Resolve(strings.ToLower(host), "spring"); ok {
		return ref, true
	}
	host = strings.ToLower(host)
	for _, k := range []arch.Kind{arch.KindService, arch.KindStore} {
		if ref := arch.NewRef(k, host); e.ev.System.Has(ref) {
			return ref, true
		}
	}
	return "", false
}
