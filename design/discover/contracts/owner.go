package contracts

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

// owners finds the service that a contract belongs to.
type owners struct {
	ev     *discover.Evidence
	byForm map[string][]string // name without case, separators and the word service -> services
	builds map[string][]string // folder that a service is built from -> services
	called map[string]string   // file -> name of the contract that a catalogue gives it
	stated map[string]arch.Ref // by the contract's file or name, as a catalogue or a hand says
}

func newOwners(ev *discover.Evidence) *owners {
	o := &owners{ev: ev, byForm: map[string][]string{}, builds: map[string][]string{}, stated: map[string]arch.Ref{}, called: map[string]string{}}
	for _, name := range arch.Sorted(ev.System.Services) {
		svc := ev.System.Services[name]
		if svc.Role == arch.RoleBroker || svc.Role == arch.RoleTelemetry || svc.Role == arch.RoleLoadgen {
			continue
		}
		seen := map[string]bool{}
		for _, n := range append([]string{name}, svc.Aliases...) {
			if f := bare(n); f != "" && !seen[f] {
				seen[f] = true
				o.byForm[f] = append(o.byForm[f], name)
			}
		}
		if b := strings.Trim(path.Clean(strings.ReplaceAll(svc.Run.Package, "\\", "/")), "/"); svc.Run.Package != "" && b != "." && !strings.Contains(b, "..") {
			o.builds[b] = append(o.builds[b], name)
		}
	}
	files := map[string][]arch.Ref{}
	for _, name := range arch.Sorted(ev.System.Contracts) {
		if c := ev.System.Contracts[name]; c.File != "" {
			o.called[path.Clean(c.File)] = name
		}
		if c := ev.System.Contracts[name]; c.Provider != "" && !guessed(ev.System.Ledger[arch.Fact{Of: arch.NewRef(arch.KindContract, name), At: "/provider"}]) {
			o.stated[name] = c.Provider
			if c.File != "" {
				files[path.Clean(c.File)] = append(files[path.Clean(c.File)], c.Provider)
			}
		}
	}
	for file, providers := range files {
		if len(providers) == 1 { // a file of several services has several providers, or says it of one
			o.stated[file] = providers[0]
		}
	}
	return o
}

// guessed reports whether only an earlier run said so, which states nothing.
func guessed(claims []arch.Claim) bool {
	return len(claims) > 0 && !slices.ContainsFunc(claims, func(c arch.Claim) bool { return c.Origin() != arch.Guess })
}

var filler = regexp.MustCompile(`(?i)[-_. ]?(micro)?(service|svc|server|backend|api|app)$`)

// bare is a name without case, separators and the words that say only that it is
// a service. Nothing is left of "api" and "service" themselves.
func bare(name string) string {
	for range 3 {
		name = filler.ReplaceAllString(name, "")
	}
	return strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

func (o *owners) named(name string) (arch.Ref, bool) {
	if name == "" {
		return "", false
	}
	if _, ok := o.ev.System.Services[name]; ok {
		return arch.NewRef(arch.KindService, name), true
	}
	if l := o.byForm[bare(name)]; bare(name) != "" && len(l) == 1 {
		return arch.NewRef(arch.KindService, l[0]), true
	}
	return "", false
}

// of finds the owner of a contract, or of one proto service of it, with the
// reason.
func (o *owners) of(c *contract.Contract, service string) (ref arch.Ref, reason string) {
	for _, key := range []string{service, c.Name, c.File} {
		if r, ok := o.stated[key]; ok && key != "" && r.Kind() == arch.KindService {
			return r, "the contract's provider is stated"
		}
	}
	for file, r := range o.stated {
		if strings.HasSuffix(c.File, "/"+file) && r.Kind() == arch.KindService {
			return r, "the contract's provider is stated"
		}
	}
	for _, s := range c.Servers {
		if ep, ok := discover.ParseEndpoint(s.URL); ok && c.Kind == contract.OpenAPI {
			if r, ok := o.ev.Hosts.Resolve(ep.Host, ""); ok && r.Kind() == arch.KindService {
				return r, "its server is " + ep.Host
			}
		}
	}
	if service != "" {
		if r, ok := o.named(service[strings.LastIndexByte(service, '.')+1:]); ok {
			return r, "the name of the service " + service
		}
	}
	if r, folder, ok := o.folder(c.File); ok {
		return r, "it lies in " + folder
	}
	return o.title(c)
}

// folder goes up from a file to the nearest folder that is a service's.
func (o *owners) folder(file string) (arch.Ref, string, bool) {
	for d := path.Dir(file); d != "." && d != "/"; d = path.Dir(d) {
		for b, names := range o.builds {
			if len(names) == 1 && (d == b || strings.HasSuffix(d, "/"+b)) {
				return arch.NewRef(arch.KindService, names[0]), d, true
			}
		}
		if generic[strings.ToLower(path.Base(d))] {
			continue
		}
		if r, ok := o.named(path.Base(d)); ok {
			return r, d, true
		}
	}
	return "", "", false
}

// generic folders say what lies in them, not whose it is.
var generic = map[string]bool{"api": true, "apis": true, "app": true, "apps": true, "src": true, "main": true, "resources": true, "proto": true, "protos": true, "pb": true, "schema": true, "schemas": true, "contracts": true, "openapi": true, "asyncapi": true, "docs": true, "server": true, "backend": true, "service": true, "services": true, "static": true, "public": true, "config": true, "web": true, "ui": true, "gateway": true}

var version = regexp.MustCompile(`^v[0-9]+[a-z0-9]*$`)

// title: the contract's own name, its words one by one from the end for a package.
func (o *owners) title(c *contract.Contract) (arch.Ref, string) {
	switch c.Kind {
	case contract.OpenAPI, contract.AsyncAPI:
		name := c.Name
		for _, w := range []string{"REST", "HTTP", "Rest", "Http", "OpenAPI", "AsyncAPI", "Events", "events", "The ", "the "} {
			name = strings.TrimSpace(strings.ReplaceAll(name, w, ""))
		}
		if r, ok := o.named(name); ok {
			return r, "its title is " + c.Name
		}
		base := path.Base(c.File)
		stem := strings.TrimSuffix(base, path.Ext(base))
		for _, w := range []string{"openapi", "swagger", "asyncapi", "api", "."} {
			stem = strings.Trim(strings.ReplaceAll(stem, w, ""), "-_.")
		}
		if r, ok := o.named(stem); ok && !generic[stem] {
			return r, "its file is called " + base
		}
	case contract.Proto:
		words := strings.Split(c.Name, ".")
		for i := len(words) - 1; i >= 0; i-- {
			if version.MatchString(words[i]) {
				continue
			}
			if r, ok := o.named(words[i]); ok && !generic[words[i]] {
				return r, "its package is " + c.Name
			}
			break
		}
	}
	return "", ""
}
