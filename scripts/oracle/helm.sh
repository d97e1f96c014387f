#!/usr/bin/env bash
# Holds the renderer of charts to Helm's own, and writes what came out to docs/oracles/helm.md. ASHLAR_SYSTEMS names a
# folder with source trees; every chart in them is compared, beside that of the test data.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/helm.md
binary=$("$root/scripts/oracle/helm-agent.sh")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

cd "$root"
failed=0
ASHLAR_ORACLE=1 ASHLAR_HELM=$binary go test -count=1 -v -timeout 10m -run Oracle ./formats/helm >"$log" 2>&1 </dev/null || failed=1

mkdir -p "$(dirname "$page")"
{
  echo "# Oracle: Helm"
  echo
  echo "$(date -u +%F), Helm $("$binary" version --template '{{.Version}}'), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). Written by \`scripts/oracle/helm.sh\`."
  echo
  echo "Every object of \`helm template --include-crds --skip-tests\` beside what \`formats/helm\` renders, field by field. Dates of"
  echo "today and the values of Secrets, which Helm makes anew each time, are fixed here and do not count."
  echo
  sed -nE 's/^ *oracle_test.go:[0-9]+: (.*)$/- \1/p' "$log" | sort -u
} >"$page"
grep -E '^ *(--- FAIL|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: helm: see $page" >&2
exit $failed
