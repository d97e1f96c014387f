#!/usr/bin/env bash
# Holds the Consul driver and the fake agent to a real one, and writes what came out to docs/oracles/consul.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/consul.md
binary=$("$root/scripts/oracle/consul-agent.sh")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

cd "$root/patterns"
failed=0
ASHLAR_ORACLE=1 ASHLAR_CONSUL=$binary go test -count=1 -v -timeout 10m -run Oracle ./registry/consulreg >"$log" 2>&1 </dev/null || failed=1

mkdir -p "$(dirname "$page")"
{
  echo "# Oracle: Consul"
  echo
  echo "$(date -u +%F), $("$binary" version | head -n 1), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). Written by \`scripts/oracle/consul.sh\`."
  echo
  echo "A real agent in development mode, beside the fake of package consultest. \`conform\` is the list of what the endpoints do,"
  echo "which the fake passes in every test run; \`suite\` is the driver contract, which all drivers pass."
  echo
  echo "| test | outcome | seconds |"
  echo "|---|---|---:|"
  sed -nE 's/^ *--- (PASS|FAIL|SKIP): (TestOracle[^ ]*) \(([0-9.]+)s\)$/| \2 | \1 | \3 |/p' "$log" | tr _ ' '
  echo
  sed -nE 's/^ *oracle_test.go:[0-9]+: (.*)$/- \1/p' "$log" | sort -u
} >"$page"
grep -E '^ *(--- FAIL|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: consul: $(grep -cE '^ *--- PASS' "$log") passed, $(grep -cE '^ *--- FAIL' "$log" || true) failed; see $page" >&2
exit $failed
