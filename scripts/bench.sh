#!/usr/bin/env bash
# Runs the comparisons of bench/ one after the other on real servers and writes bench/results. BENCH names one of them.
# A comparison with heavy peers is a module of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/servers/servers.sh up
eval "$(scripts/servers/servers.sh env)"
failed=()
for main in bench/${BENCH:-*}/main.go; do
  name=$(basename "$(dirname "$main")")
  echo "== $name"
  if [ -f "bench/$name/go.mod" ]; then (cd "bench/$name" && GOWORK=off go run . -out "../results/$name.txt") || failed+=("$name")
  else (cd bench && go run "./$name" -o "results/$name.md") || failed+=("$name"); fi
done
[ ${#failed[@]} -eq 0 ] || { echo "limits missed or failed: ${failed[*]}"; exit 1; }
