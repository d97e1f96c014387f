// Package sources is the catalogue of all sources, in the order in which they
// relate: a source may rely on what those before it have said.
package sources

import (
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/aspire"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/gatewayapi"
	"github.com/ashlar-dev/ashlar/design/discover/hand"
	"github.com/ashlar-dev/ashlar/design/discover/helm"
	"github.com/ashlar-dev/ashlar/design/discover/istio"
	"github.com/ashlar-dev/ashlar/design/discover/jaeger"
	"github.com/ashlar-dev/ashlar/design/discover/knative"
	"github.com/ashlar-dev/ashlar/design/discover/kong"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/kustomize"
	"github.com/ashlar-dev/ashlar/design/discover/monitoring"
	"github.com/ashlar-dev/ashlar/design/discover/nginx"
	"github.com/ashlar-dev/ashlar/design/discover/openshift"
	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/procfile"
	"github.com/ashlar-dev/ashlar/design/discover/spring"
	"github.com/ashlar-dev/ashlar/design/discover/strimzi"
	"github.com/ashlar-dev/ashlar/design/discover/zipkin"
)

// All returns a fresh set of every source.
func All() []discover.Source {
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
		istio.New(),
		gatewayapi.New(),
		openshift.New(),
		kong.New(),
		jaeger.New(),
		otlp.New(),
		zipkin.New(),
	}
}
