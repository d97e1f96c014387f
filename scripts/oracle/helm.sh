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
  echo "Every object of \`helm template --include-crds --skip-tests\` beside what \`formats/helm\` renders, field by field, with the"
  echo "chart's own values and with each values file that it brings. What Helm makes differently when asked again (random texts,"
  echo "certificates, dates) is fixed here and does not count."
  echo
  echo "$(grep -cE 'oracle_test.go:[0-9]+: .*: [0-9]+ objects, ' "$log") renderings of $(sed -nE 's/^ *oracle_test.go:[0-9]+: ([^ ]+).*: [0-9]+ objects, .*/\1/p' "$log" | sort -u | wc -l) charts, $(sed -nE 's/.*: ([0-9]+) objects, .*/\1/p' "$log" | paste -sd+ | bc) objects, $(sed -nE 's/.* objects, ([0-9]+) of them different$/\1/p' "$log" | paste -sd+ | bc) of them different."
  echo
  sed -nE 's/^ *oracle_test.go:[0-9]+: (.*)$/- \1/p' "$log" | sort -u
} >"$page"
grep -E '^ *(--- FAIL|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: helm: see $page" >&2
exit $failed
