// Package sources is the catalogue of all sources, in the order in which they
// relate: a source may rely on what those before it have said.
package sources

import (
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/aspire"
	"github.com/ashlar-dev/ashlar/design/discover/backstage"
	"github.com/ashlar-dev/ashlar/design/discover/calm"
	"github.com/ashlar-dev/ashlar/design/discover/codeowners"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/consul"
	"github.com/ashlar-dev/ashlar/design/discover/contracts"
	"github.com/ashlar-dev/ashlar/design/discover/envoy"
	"github.com/ashlar-dev/ashlar/design/discover/gatewayapi"
	"github.com/ashlar-dev/ashlar/design/discover/githistory"
	"github.com/ashlar-dev/ashlar/design/discover/gosource"
	"github.com/ashlar-dev/ashlar/design/discover/hand"
	"github.com/ashlar-dev/ashlar/design/discover/helm"
	"github.com/ashlar-dev/ashlar/design/discover/istio"
	"github.com/ashlar-dev/ashlar/design/discover/jaeger"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
	"github.com/ashlar-dev/ashlar/design/discover/knative"
	"github.com/ashlar-dev/ashlar/design/discover/kong"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/kustomize"
	"github.com/ashlar-dev/ashlar/design/discover/linkerd"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/discover/migrations"
	"github.com/ashlar-dev/ashlar/design/discover/monitoring"
	"github.com/ashlar-dev/ashlar/design/discover/nginx"
	"github.com/ashlar-dev/ashlar/design/discover/openshift"
	"github.com/ashlar-dev/ashlar/design/discover/otelcol"
	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/procfile"
	"github.com/ashlar-dev/ashlar/design/discover/prometheus"
	"github.com/ashlar-dev/ashlar/design/discover/spring"
	"github.com/ashlar-dev/ashlar/design/discover/strimzi"
	"github.com/ashlar-dev/ashlar/design/discover/structurizr"
	"github.com/ashlar-dev/ashlar/design/discover/treesource"
	"github.com/ashlar-dev/ashlar/design/discover/zipkin"
)

// Options of [With]: what sources need of the machine that they run on. The zero
// value leaves out what cannot do without.
type Options struct {
	// Trees parses source files; nil leaves source code unread.
	Trees treesource.Parser
	// Cache keeps what source files say between runs, of all languages; nil keeps
	// nothing.
	Cache *keep.Store
}

// All returns a fresh set of every source that needs nothing but the files.
func All() []discover.Source { return With(nil) }

// With returns a fresh set of every source.
func With(opts *Options) []discover.Source {
	var o Options
	if opts != nil {
		o = *opts
	}
	return []discover.Source{
		hand.New(),
		helm.New(),
		kustomize.New(),
		strimzi.New(), // before the workloads, which find its brokers by their names
		kubernetes.New(),
		knative.New(),
		monitoring.New(),
		compose.New(),
		aspire.New(),
		procfile.New(),
		spring.New(),
		nginx.New(),
		treesource.New(o.Trees, &treesource.Options{Cache: o.Cache}),
		gosource.New(&gosource.Options{Cache: o.Cache}), // before the meshes and gateways, whose limits lie on the calls that it finds
		istio.New(),
		gatewayapi.New(),
		openshift.New(),
		linkerd.New(),
		kong.New(),
		envoy.New(),
		consul.New(),
		otelcol.New(),
		prometheus.New(),
		jaeger.New(),
		otlp.New(),
		zipkin.New(),
		backstage.New(),
		calm.New(),
		structurizr.New(),
		codeowners.New(),
		contracts.New(),
		marks.New(),
		migrations.New(),
		githistory.New(nil),
	}
}
