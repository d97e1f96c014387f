#!/usr/bin/env bash
# Builds the programs of oracle/validators, which hold configurations to those who read them in production, and prints
# the path of their folder.
#
#   scripts/oracle/validators-agent.sh          build what is not in the cache, print the path
#
# They lie in $ASHLAR_CACHE (default ~/.cache/ashlar)/validators/SUM, outside the checkout, where SUM is of their sources
# and versions. A cold build takes minutes: Istio, Prometheus, the Collector and Kubernetes are compiled.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
sum=$(cd "$root/oracle/validators" && cat */*.go */go.mod */go.sum | sha256sum | cut -c1-12)
folder=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/validators/$sum
say() { printf 'oracle: %s\n' "$*" >&2; }

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9 # two checkouts may build at once
for name in kubernetes mesh; do
  [ -x "$folder/$name" ] && { say "validator $name: found in $folder"; continue; }
  say "validator $name: building, this takes minutes; log: $folder/$name.log"
  (cd "$root/oracle/validators/$name" && GOWORK=off go build -trimpath -ldflags '-s -w' -o "$folder/$name.new" .) >"$folder/$name.log" 2>&1 ||
    { tail -n 20 "$folder/$name.log" >&2; say "validator $name: build failed"; exit 3; }
  mv "$folder/$name.new" "$folder/$name"
  say "validator $name: built in $folder"
done
echo "$folder"
