#!/usr/bin/env bash
# Runs every test of every module against real servers, which it installs and starts where they are missing.
# ASHLAR_CORPUS may name a folder of real systems; without it the tests that read it are left out and listed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
modules=$(sed -n 's/^\t\(\..*\)/\1/p' go.work)
if [ -n "${ASHLAR_CORPUS:-}" ]; then ASHLAR_CORPUS=$(cd "$ASHLAR_CORPUS" && pwd); export ASHLAR_CORPUS; fi

if [ "${ASHLAR_NO_SERVERS:-}" != 1 ]; then
  scripts/servers/servers.sh up
  eval "$(scripts/servers/servers.sh env)"
fi
if ! command -v "${CC:-cc}" >/dev/null 2>&1; then export CGO_ENABLED=0; echo "no C compiler: testing without cgo"; fi

# Concurrent code runs under the race detector, which needs cgo.
race() { case "$1" in ./patterns*) [ "${CGO_ENABLED:-1}" = 1 ] && echo -race ;; esac; }

failed=()
log=$(mktemp)
# The suites of the bus's drivers add a line here, since `go test` drops what passing packages print.
ASHLAR_BROKERS=$(mktemp); export ASHLAR_BROKERS
for m in $modules; do
  echo "== module $m"
  (cd "$m" && go test $(race "$m") ${ASHLAR_SOAK:+-timeout 60m} ./...) 2>&1 | tee -a "$log" || failed+=("$m")
done
echo "== without cgo"
CGO_ENABLED=0 go build -o /dev/null ./cmd/ashlar && echo "builds" || failed+=("CGO_ENABLED=0 build")

echo
scripts/servers/servers.sh status | sed 's/^/server  /'
[ -n "${ASHLAR_CORPUS:-}" ] && echo "corpus  $(ls "$ASHLAR_CORPUS" | wc -l) systems and data sets" || echo "corpus  ASHLAR_CORPUS is not set: tests on real systems were left out"
ok=$(grep -c '^ok' "$log" || true); bad=$(grep -c '^FAIL	' "$log" || true)
sort -u "$ASHLAR_BROKERS" | sed 's/^/broker  /'
rm -f "$log" "$ASHLAR_BROKERS"
if [ ${#failed[@]} -gt 0 ]; then echo "failed: ${failed[*]}"; echo "packages: $ok passed, $bad failed"; exit 1; fi
echo "packages: $ok passed, 0 failed"
