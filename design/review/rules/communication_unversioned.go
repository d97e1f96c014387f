package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

var unversioned = review.Rule{
	ID:    "communication/unversioned-api",
	Title: "An interface that others rely on has no version",
	Why:   "The first change that breaks a client has no name under which the old one could live on, so both must be deployed at the same moment.",
	Bad:   "path: /api/orders",
	Good:  "path: /api/v1/orders",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Params: []review.Param{{Name: "routes", Default: "^/api(/|$)", About: "regular expression of the paths of gateway routes that are interfaces, not pages"}},
	Source: "D. Taibi, V. Lenarduzzi, C. Pahl, Microservices Anti-Patterns: A Taxonomy (API versioning)",
	Silent: "stefanprodan/podinfo@eec06d1 deploy/webapp/",
	Fires:  "GoogleCloudPlatform/microservices-demo@34ffea9 protos/demo.proto; FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/trainticket-gateway.yaml:276 (/getVoucher)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, name := range arch.Sorted(c.System.Gateways) {
			gatewayPaths(c, r, name)
		}
		contractVersions(c, r)
		crossed := map[arch.Ref]arch.Ref{} // operation -> one caller of another owner
		for _, e := range c.System.Edges() {
			from, to := c.System.Services[e.From.Name()].Owner, c.System.Services[e.Call.To.Name()].Owner
			if request(e) && e.Call.To.Kind() == arch.KindOp && from != "" && to != "" && from != to {
				crossed[e.Call.To] = e.From
			}
		}
		for _, to := range arch.Sorted(crossed) {
			op := c.System.Services[to.Name()].Operations[to.Member()]
			if !httpTrigger.MatchString(op.Trigger) || op.Version != "" || versioned.MatchString(op.Trigger) {
				continue
			}
			f := review.Finding{Of: []arch.Ref{to}, Evidence: []review.Evidence{c.At("no version", arch.Fact{Of: to, At: "/trigger"}, arch.Fact{Of: to})}}
			f.Title = fmt.Sprintf("%s (%s) has no version, and %s of another team calls it", to.Short(), op.Trigger, crossed[to].Short())
			f.Fix = "Put a version into the path or the media type now, while all clients are known."
			r.Find(f)
		}
	},
}

var (
	httpTrigger = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE|HEAD) /`)
	ending      = regexp.MustCompile(`\.[a-z0-9]+$`)
	versioned   = regexp.MustCompile(`/v[0-9]+([a-z0-9.]*)?(/|\*|$)`)
)

// contractVersions reports the contracts that others rely on and that have
// nothing by which a second version could be told from the first, a file at a
// time.
func contractVersions(c *review.Case, r *review.Reporter) {
	for _, k := range contractsIn(c.Documents) {
		if len(k.Operations) == 0 || k.Kind == contract.GraphQL || hasVersion(k) {
			continue // GraphQL deprecates field by field
		}
		hit, of := map[arch.Ref]bool{}, map[arch.Ref]bool{}
		for _, o := range k.Operations {
			provider := providerOf(c.System, k, o.Service)
			who, _ := callers(c.System, provider, "")
			for _, w := range append(who, agreed(c.System, k, o.Service)...) {
				if x, y := c.System.Services[w.Name()], c.System.Services[provider.Name()]; provider != "" && (x.Owner == "" || x.Owner != y.Owner) && !arch.Infrastructure(x.Role) {
					hit[w], of[provider] = true, true
				}
			}
		}
		if len(hit) == 0 {
			continue
		}
		f := review.Finding{Of: refs(of), Confidence: .6, Evidence: []review.Evidence{{Source: arch.Source{Origin: arch.FromContract, By: "contracts", File: k.File, Line: max(1, k.Pos.Line), Col: max(1, k.Pos.Col)}, Note: "no version"}}}
		f.Title = fmt.Sprintf("%s has no version in its paths, and %s call it", k.Name, list(refs(hit), 3))
		if k.Kind == contract.Proto {
			f.Title = fmt.Sprintf("the package %s has no version, and %s call its services", k.Name, list(refs(hit), 3))
		}
		if len(hit) == 1 {
			f.Title = strings.Replace(f.Title, " call it", " calls it", 1)
		}
		f.Fix = "Put a version into the path, the media type or the package now, while all clients are known."
		r.Find(f, k.Name)
	}
}

// hasVersion: in the package, in every path, or by a header, parameter or media
// type that asks for one.
func hasVersion(k *contract.Contract) bool {
	if k.Kind == contract.Proto {
		return k.Version != ""
	}
	for _, o := range k.Operations {
		if contract.VersionOf(o.Key[strings.IndexByte(o.Key, ' ')+1:]) != "" {
			return true
		}
		for _, p := range o.Parts {
			if n := strings.ToLower(p.Name); strings.Contains(n, "version") || strings.Contains(n, "application/vnd.") {
				return true
			}
		}
	}
	return slices.ContainsFunc(k.Servers, func(s contract.Server) bool { return contract.VersionOf(s.URL) != "" })
}

// outliers are the targets that a gateway offers without a version although most of
// its targets have one: there a path without is an interface that was forgotten. A
// target of pages has the root, or a path with the ending of a file.
func outliers(routes []arch.Route) map[arch.Ref]bool {
	with, without, pages := map[arch.Ref]bool{}, map[arch.Ref]bool{}, map[arch.Ref]bool{}
	for _, rt := range routes {
		switch to := rt.To.Parent(); {
		case versioned.MatchString(rt.Path):
			with[to] = true
		case strings.Trim(rt.Path, "/*") == "" || ending.MatchString(rt.Path):
			pages[to] = true
		default:
			without[to] = true
		}
	}
	out := map[arch.Ref]bool{}
	for to := range without {
		if !pages[to] && len(with) >= 3 && len(with) > len(without) {
			out[to] = true
		}
	}
	return out
}

// gatewayPaths reports the paths of one gateway together.
func gatewayPaths(c *review.Case, r *review.Reporter, name string) {
	pattern, err := regexp.Compile(r.Text("routes"))
	if err != nil {
		r.NotJudged("its parameter routes is no regular expression", arch.NewRef(arch.KindGateway, name))
		return
	}
	ref := arch.NewRef(arch.KindGateway, name)
	f := review.Finding{Of: []arch.Ref{ref}}
	seen, bare := map[string]bool{}, outliers(c.System.Gateways[name].Routes)
	for _, rt := range c.System.Gateways[name].Routes {
		if (pattern.MatchString(rt.Path) || bare[rt.To.Parent()]) && !versioned.MatchString(rt.Path) && !seen[rt.Path] {
			seen[rt.Path] = true
			at := arch.Field("").Join("routes", rt.ID)
			f.Evidence = append(f.Evidence, c.At(rt.Path, arch.Fact{Of: ref, At: at + "/path"}, arch.Fact{Of: ref, At: at}))
		}
	}
	if len(seen) == 0 {
		return
	}
	first := arch.Sorted(seen)[0]
	f.Title = fmt.Sprintf("gateway %s offers %d path%s without a version, such as %s", name, len(seen), map[bool]string{true: "s"}[len(seen) > 1], first)
	f.Fix = "Put a version into the path or the media type now, while all clients are known."
	r.Find(f)
}
