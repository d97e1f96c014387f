#!/usr/bin/env bash
# Runs the comparisons of bench/ one after the other on real servers; results lie in bench/results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/servers/servers.sh up
eval "$(scripts/servers/servers.sh env)"
cd bench
for main in */main.go; do
  [ ! -f "${main%/main.go}/go.mod" ] || continue # a module of its own, below
  go run "./${main%/main.go}" -o "results/${main%/main.go}.md"
done
go test -run '^$' -bench "${BENCH:-.}" -benchtime "${BENCHTIME:-1x}" ./...
# Sagas beside their peers, whose modules stay out of the workspace. TEMPORAL_BIN adds Temporal's dev server.
(cd saga && GOWORK=off go run . -samples "${SAMPLES:-3}" -span "${SPAN:-300ms}" -out ../results/saga.txt)
