package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

var unboundedQueue = review.Rule{
	ID:    "resilience/unbounded-queue",
	Title: "Connections are limited, those who wait for one are not",
	Why:   "A limit without a bounded queue turns overload into waiting: requests pile up until their callers have long gone, and the service answers only the dead.",
	Bad:   "connectionPool: {tcp: {maxConnections: 100}}   # http1MaxPendingRequests defaults to 2^32-1",
	Good:  "connectionPool: {tcp: {maxConnections: 100}, http: {http1MaxPendingRequests: 50}}",
	Since: "0.1", Severity: review.Low, Confidence: .8,
	Needs:   []review.Need{review.Routes},
	Source:  "Istio documentation, ConnectionPoolSettings.HTTPSettings; Google SRE Book, ch. 22 (queue management)",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/ (no connection pools)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, o := range discover.Of[*istio.Object](c.Documents) {
			d, ok := o.V.Spec.(*istio.DestinationRule)
			if !ok {
				continue
			}
			pool := d.GetTrafficPolicy().GetConnectionPool()
			if pool.GetTcp().GetMaxConnections() == 0 || pool.GetHttp().GetHttp1MaxPendingRequests() > 0 || pool.GetHttp().GetHttp2MaxRequests() > 0 {
				continue
			}
			host, _, _ := strings.Cut(d.GetHost(), ".")
			f := review.Finding{Of: []arch.Ref{arch.NewRef(arch.KindService, host)}, Evidence: []review.Evidence{{Source: o.At(arch.Config, "spec", "trafficPolicy", "connectionPool"), Note: "no limit on pending requests"}}}
			f.Title = fmt.Sprintf("%d connections to %s, and a queue without an end in front of them", pool.GetTcp().GetMaxConnections(), host)
			f.Fix = "Set connectionPool.http.http1MaxPendingRequests to what can be answered within the callers' timeout."
			r.Find(f, o.V.String())
		}
	},
}
