#!/usr/bin/env bash
# Holds what the rules advise, and what `ashlar fix` writes, to those who read such files in production, and writes what
# came out to docs/oracles/validators.md. ASHLAR_SYSTEMS names a folder with source trees; every file in them is judged by
# both sides, beside the test data.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/validators.md
folder=$("$root/scripts/oracle/validators-agent.sh")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
version() { awk -v m="$2" '$1 == m || $2 == m { print $NF; exit }' "$root/oracle/validators/$1/go.mod"; }

cd "$root"
failed=0
ASHLAR_VALIDATORS=$folder go test -count=1 -v -timeout 20m -run Oracle ./design/review/rules >"$log" 2>&1 </dev/null || failed=1

mkdir -p "$(dirname "$page")"
{
  echo "# Oracle: those who read the files"
  echo
  echo "$(date -u +%F), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). Written by \`scripts/oracle/validators.sh\`."
  echo
  echo "| reader | version | what it judges |"
  echo "|---|---|---|"
  echo "| kubectl-validate | $(version kubernetes sigs.k8s.io/kubectl-validate), schemas of Kubernetes 1.30 | objects that Kubernetes itself knows |"
  echo "| Istio's validation, as its webhook runs it | $(version mesh istio.io/istio) | resources of istio.io |"
  echo "| Prometheus' reader of rules | $(version mesh github.com/prometheus/prometheus) | groups of rules |"
  echo "| promtool | $(promtool --version 2>/dev/null | sed -nE '1s/.*version ([0-9.+a-z~-]+).*/\1/p' || true) | configurations of Prometheus (\`check config --syntax-only\`) |"
  echo "| the Collector's unmarshaller and validation | $(version mesh go.opentelemetry.io/collector/otelcol) | configurations and resources of the OpenTelemetry Collector; every type of component is known to it and takes any setting |"
  echo
  echo "\`make oracle\` builds and runs them. To have them in \`make test\` as well:"
  echo
  echo '```'
  echo 'ASHLAR_VALIDATORS=$(scripts/oracle/validators-agent.sh) make test'
  echo '```'
  echo
  echo "## What came out"
  echo
  sed -nE 's/^ *oracle_test.go:[0-9]+: (good examples|bad examples|random faults|public files)(.*)$/- \1\2/p' "$log"
  echo
  echo "Refused there and no finding here, on public files:"
  echo
  sed -nE 's/^ *oracle_test.go:[0-9]+: refused and not found: (.*)$/- \1/p' "$log"
} >"$page"
grep -E '^ *(--- (PASS|FAIL)|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: validators: see $page" >&2
exit $failed
