// Package sources is the catalogue of all sources, in the order in which they
// relate: a source may rely on what those before it have said.
package sources

import (
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/backstage"
	"github.com/ashlar-dev/ashlar/design/discover/codeowners"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/contracts"
	"github.com/ashlar-dev/ashlar/design/discover/gatewayapi"
	"github.com/ashlar-dev/ashlar/design/discover/hand"
	"github.com/ashlar-dev/ashlar/design/discover/istio"
	"github.com/ashlar-dev/ashlar/design/discover/jaeger"
	"github.com/ashlar-dev/ashlar/design/discover/kong"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/openshift"
	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/spring"
	"github.com/ashlar-dev/ashlar/design/discover/zipkin"
)

// All returns a fresh set of every source.
func All() []discover.Source {
	return []discover.Source{
		hand.New(),
		kubernetes.New(),
		compose.New(),
		spring.New(),
		istio.New(),
		gatewayapi.New(),
		openshift.New(),
		kong.New(),
		jaeger.New(),
		otlp.New(),
		zipkin.New(),
		backstage.New(),
		codeowners.New(),
		contracts.New(),
	}
}
