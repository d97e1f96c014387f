// Package rules is the catalogue of red flags, one file a rule. To add one:
// declare it in a file of its own, list it in [All], and put a bad and a good
// example into testdata/FAMILY-NAME.txtar; the test walks the catalogue.
package rules

import "github.com/ashlar-dev/ashlar/design/review"

// All lists every rule, by family.
func All() []review.Rule {
	return []review.Rule{
		chatty,
		nPlusOne,
		callInLoop,
		serialCalls,
		syncChain,
		cycle,
		distributedMonolith,
		hub,
		manyEntries,
		unversioned,
		missingAggregate,
		retryUnsafe,
		unknownTarget,

		noTimeout,
		timeoutBudget,
		retryArithmetic,
		retryAmplification,
		retryStorm,
		noBreaker,
		noBulkhead,
		noFallback,
		unboundedQueue,
		probes,
		singleReplica,
		noDisruptionBudget,
		oneZone,

		sharedDatabase,
		severalWriters,
		distributedTransaction,
		callInTransaction,
		dualWrite,
		sagaCompensation,
		sagaPivot,
		consumerNotIdempotent,
		noDeadLetters,
		eventShapes,

		nanoService,
		megaService,
		contextCut,
		noOwner,
		teamsWait,
		changesCrossTeams,
		tooManyServices,
		modularMonolith,

		partialTracing,
		mixedPropagation,
		ownSampling,
		partialMetrics,
		noObjective,

		recreate,
		imageTag,
		contractUntested,

		istioUnreachable,
		istioShadowed,
		istioSubset,
		istioHost,
		istioWeights,
		istioRetryOn,
		istioRetryZero,
		istioIgnored,
		kubernetesSelector,
		kubernetesNoPods,
		kubernetesPort,
		unknownField,
		hardCoded,
	}
}
