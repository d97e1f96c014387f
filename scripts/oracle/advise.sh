#!/usr/bin/env bash
# Holds what `ashlar advise resilience --as` prints to those who read it in production, and writes what came out to
# docs/oracles/advise.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/advise.md
readers=$("$root/scripts/oracle/advise-agent.sh")
validators=$("$root/scripts/oracle/validators-agent.sh")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
version() { awk -v m="$2" '$1 == m || $2 == m { print $NF; exit }' "$root/oracle/$1/go.mod"; }
maven() { grep -A1 "<artifactId>$1</artifactId>" "$root/oracle/advise/resilience4j/pom.xml" | sed -nE 's/.*<version>(.*)<.*/\1/p' | head -n 1; }

cd "$root"
failed=0
ASHLAR_ADVISE=$readers ASHLAR_VALIDATORS=$validators go test -count=1 -v -timeout 10m -run Oracle ./design/advise >"$log" 2>&1 </dev/null || failed=1

{
  echo "# Oracle: what \`--as\` prints"
  echo
  echo "$(date -u +%F), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). Written by \`scripts/oracle/advise.sh\`."
  echo
  echo "Settings of random systems, for callees with all kinds of names, are printed for each platform and given to those who"
  echo "read such files there. Each reader is also given a file with one thing wrong, which it has to refuse."
  echo
  echo "| \`--as\` | reader | version |"
  echo "|---|---|---|"
  echo "| go | the compiler, \`resilience.New\` and \`resilience.Do\` of this tree | $(go env GOVERSION) |"
  echo "| istio | Istio's own validation, as its webhook runs it | $(version validators/mesh istio.io/istio) |"
  echo "| linkerd | the definitions of the Gateway API with their CEL rules, Kubernetes' schema of a Service; kubectl-validate | $(cd "$root" && go list -m -f '{{.Version}}' sigs.k8s.io/gateway-api), 1.30, $(version advise/crds sigs.k8s.io/kubectl-validate) |"
  echo "| kong | decK's reader: its JSON schema, then the entities with their defaults | go-database-reconciler $(version advise/kong github.com/kong/go-database-reconciler) |"
  echo "| resilience4j | a Spring Boot application; an unknown key is refused, its registries are asked, its breakers opened | Resilience4j $(maven resilience4j-spring-boot3), Spring Boot $(maven spring-boot-dependencies) |"
  echo "| polly | C# as tree-sitter parses it, in \`go test\`: the compiler and the package come from registries that are not reached here | - |"
  echo
  echo "## What came out"
  echo
  sed -nE 's/^ *oracle_test.go:[0-9]+: ((go|istio|linkerd|kong|resilience4j): .*)$/- \1/p' "$log" | sort
  echo
  echo "The annotations of Linkerd have no published schema. Their names and the form of their values (whole numbers with ms, s,"
  echo "m, h or d) were read in its policy controller, linkerd2 at b24cd4059841, \`policy-controller/k8s/index/src/outbound/index.rs\`;"
  echo "so was that a Service with routes answers nothing that no route matches (\`policy-controller/grpc/src/outbound/http.rs\`)."
} >"$page"
grep -E '^ *(--- (FAIL|SKIP)|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: advise: see $page" >&2
exit $failed
