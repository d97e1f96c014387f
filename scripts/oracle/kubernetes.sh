#!/usr/bin/env bash
# Holds the Kubernetes driver to a real kube-apiserver, and writes what came out to docs/oracles/kubernetes.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/kubernetes.md
folder=$("$root/scripts/oracle/kubernetes-agent.sh")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

cd "$root/patterns"
failed=0
ASHLAR_ORACLE=1 ASHLAR_KUBERNETES=$folder go test -count=1 -v -timeout 10m -run Oracle ./registry/kubereg >"$log" 2>&1 </dev/null || failed=1

{
  echo "# Oracle: Kubernetes"
  echo
  echo "$(date -u +%F), kube-apiserver $("$folder/kube-apiserver" --version | sed 's/.* //'), $("$folder/etcd" --version | head -n 1), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). Written by \`scripts/oracle/kubernetes.sh\`."
  echo
  echo "A real API server on its own etcd, with RBAC and without a watch cache; the driver is a user who may list and watch"
  echo "EndpointSlices and nothing else. \`suite\` is the driver contract, which all drivers pass; no controllers run, so the"
  echo "slices are the test's."
  echo
  echo "| test | outcome | seconds |"
  echo "|---|---|---:|"
  sed -nE 's/^ *--- (PASS|FAIL|SKIP): (TestOracle[^ ]*) \(([0-9.]+)s\)$/| \2 | \1 | \3 |/p' "$log" | tr _ ' '
} >"$page"
grep -E '^ *(--- FAIL|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: kubernetes: $(grep -cE '^ *--- PASS' "$log") passed, $(grep -cE '^ *--- FAIL' "$log" || true) failed; see $page" >&2
exit $failed
