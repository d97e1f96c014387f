// Package rules is the catalogue of red flags, one file a rule. To add one:
// declare it in a file of its own, list it in [All], and put a bad and a good
// example into testdata/FAMILY-NAME.txtar; the test walks the catalogue.
package rules

import "github.com/ashlar-dev/ashlar/design/review"

// All lists every rule, by family.
func All() []review.Rule {
	return []review.Rule{
		syncChain,
		nPlusOne,
		unknownTarget,
		noTimeout,
		retryArithmetic,
		singleReplica,
		probes,
		sharedDatabase,
		istioUnreachable,
		istioShadowed,
		istioIgnored,
		unknownField,
	}
}
